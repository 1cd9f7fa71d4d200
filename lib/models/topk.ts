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
});
