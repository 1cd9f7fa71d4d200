/**
 * The TopK sparse autoencoder: k largest pre-activations a row, unit-norm decoder, AuxK for dead latents.
 * Source: architectures spec, section 2 (Gao et al. 2024).
 * @module
 */
import { defineFamily } from "./family.ts";
import type { ModelFamily } from "./types.ts";

/** The TopK family. */
export const topk: ModelFamily = defineFamily({
  type: "topk",
  doc:
    "The k largest pre-activations of each row, then ReLU; unit-norm decoder; AuxK for dead latents",
  formula:
    "f = ReLU(the k largest h of a row), h = (x - b_dec) W_encᵀ + b_enc; ŷ = f W_dec + b_dec; L = FVU + AuxK / 32",
  source:
    "Gao et al. (2024), Scaling and evaluating sparse autoencoders. AuxK is divided by the variance of its target, which is detached, and has no bias.",
});
