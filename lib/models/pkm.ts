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
  doc: "TopK over a grid of two lists of sub-keys: h = x U[i1]ᵀ + x V[i2]ᵀ + β_u[i1] + β_v[i2]",
  defaults: { encoder: "pkm", activation: "topk" },
});
