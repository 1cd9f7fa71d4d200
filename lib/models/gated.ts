/**
 * The gated sparse autoencoder: which latents are active, and how much, from two scores with weights in common; the
 * penalty acts on the first, so that it does not shrink the second. Source: architectures spec, section 5
 * (Rajamanoharan et al. 2024).
 * @module
 */
import { penaltyOptions } from "../blocks/losses/penalty.ts";
import { defineFamily } from "./family.ts";
import type { ModelFamily } from "./types.ts";

/** The gated family. */
export const gated: ModelFamily = defineFamily({
  type: "gated",
  doc:
    "A gate and a magnitude from one encoder; L1 on the gate's score, which has a reconstruction of its own",
  formula:
    "u = (x - b_dec) W_encᵀ, π = u + b_gate, f = ReLU(e^r u + b_mag) where π > 0; L = mean ‖x - ŷ‖² + λ · mean Σ_j ReLU(π_j) + mean ‖x - ŷ(ReLU(π))‖², the decoder fixed in the last",
  source:
    "Rajamanoharan et al. (2024), Improving dictionary learning with gated sparse autoencoders. A trained one is the same function as a JumpReLU and is saved as one.",
  defaults: {
    activation: "gated",
    unitRows: true,
    loss: "sum_mean",
    penalty: penaltyOptions({ name: "l1", coefficient: 1 }),
  },
});
