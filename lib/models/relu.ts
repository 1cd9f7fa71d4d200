/**
 * The ReLU sparse autoencoder with a penalty on the size of its latents: times decoder norms where decoder rows are free,
 * as they are where decoder rows are kept at unit length. Source: architectures spec, section 1 (Bricken et al. 2023;
 * Anthropic, April 2024), and 5 for the annealed exponent.
 * @module
 */
import { penaltyOptions } from "../blocks/losses/penalty.ts";
import { defineFamily } from "./family.ts";
import type { ModelFamily } from "./types.ts";

/** The ReLU family. */
export const relu: ModelFamily = defineFamily({
  type: "relu",
  doc: "ReLU with a penalty: L1, a p-norm, tanh of the latents times their decoder norms",
  formula:
    "f = ReLU(h); ŷ = f W_dec + b_dec; L = mean ‖y - ŷ‖² + λ · mean Σ_j f_j n_j, n_j = ‖W_dec[j]‖",
  source:
    "Bricken et al. (2023), Towards monosemanticity, in the form of Anthropic's update of April 2024: free decoder rows, whose lengths weigh the penalty. The annealed exponent: Karvonen et al. (2024), Measuring progress in dictionary learning.",
  defaults: {
    activation: "relu",
    unitRows: false,
    decoderInitNorm: 0.1,
    loss: "sum_mean",
    penalty: penaltyOptions({ name: "l1", coefficient: 5 }),
  },
});
