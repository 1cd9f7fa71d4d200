/**
 * The autoencoder with product keys: latents stand on a grid of sub-keys, so that the encoder has the parameters and
 * the work of two short lists. Source: architectures spec, section 8.
 * @module
 */
import { defineFamily } from "./family.ts";
import type { ModelFamily } from "./types.ts";

/** The product-key family. */
export const pkm: ModelFamily = defineFamily({
  type: "pkm",
  doc: "TopK over a grid: the score of a latent is the sum of the scores of two sub-keys",
  formula:
    "h[i1 · m2 + i2] = c U[i1]ᵀ + β_u[i1] + c V[i2]ᵀ + β_v[i2], c = x - b_dec; f = ReLU(the k largest h of a row); ŷ = f W_dec + b_dec; L = FVU",
  source:
    "Lample et al. (2019), Large memory layers with product keys; as an encoder of sparse coders: Shabalin, Paulo and Belrose (2025), Product key memory sparse coders. The k largest are found exactly; no place of the grid is a dummy.",
  defaults: { encoder: "pkm", activation: "topk" },
});
