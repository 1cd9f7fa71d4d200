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
  defaults: { activation: "groupmax" },
});
