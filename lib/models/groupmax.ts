/**
 * The GroupMax sparse autoencoder: the largest pre-activation of each of k equal groups of latents, unit-norm decoder,
 * AuxK for dead latents.
 * @module
 */
import { defineFamily } from "./family.ts";
import type { ModelFamily } from "./types.ts";

/** The GroupMax family. */
export const groupMax: ModelFamily = defineFamily({
  type: "groupmax",
  doc:
    "The largest pre-activation of each of k equal groups of latents, then ReLU; unit-norm decoder; AuxK for dead latents",
  formula:
    "f = ReLU(the largest h of each of k groups of d_sae / k neighbouring latents); ŷ = f W_dec + b_dec; L = FVU + AuxK / 32",
  source:
    "The groupmax activation of EleutherAI's sparsify; everything else as topk (Gao et al. 2024).",
  defaults: { activation: "groupmax" },
});
