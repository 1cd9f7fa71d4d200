/**
 * The BatchTopK sparse autoencoder: k · rows largest pre-activations of a batch, unit-norm decoder, AuxK for dead latents,
 * a threshold for use after training. Source: architectures spec, section 3 (Bussmann et al. 2024).
 * @module
 */
import { defineFamily } from "./family.ts";
import type { ModelFamily } from "./types.ts";

/** The BatchTopK family. */
export const batchTopk: ModelFamily = defineFamily({
  type: "batchtopk",
  doc:
    "The k · rows largest pre-activations of a batch, then ReLU; unit-norm decoder; AuxK; a threshold after training",
  formula:
    "f = ReLU(the k · B largest h of B rows together), after training f = h where h > T; ŷ = f W_dec + b_dec; L = FVU + AuxK / 32",
  source:
    "Bussmann, Leask and Nanda (2024), BatchTopK sparse autoencoders. The choice is exact, ties go to the lowest row and latent; T is counted on fresh rows at the end.",
  defaults: { activation: "batchtopk" },
});
