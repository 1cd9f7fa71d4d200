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
  defaults: { activation: "batchtopk" },
});
