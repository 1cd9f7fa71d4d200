/**
 * The JumpReLU sparse autoencoder: a trained threshold for each latent, a penalty about the number of active latents, and
 * a loss that pulls scores up to their thresholds. Source: architectures spec, section 4 (Rajamanoharan et al. 2024;
 * Anthropic, January 2025).
 * @module
 */
import { thresholdOptions } from "../blocks/gates/jumprelu.ts";
import { penaltyOptions } from "../blocks/losses/penalty.ts";
import { defineFamily } from "./family.ts";
import { initialAutoencoder, uniformNumbers } from "./initial.ts";
import type { InitialValues, ModelFamily, ModelOptions, StartFacts } from "./types.ts";

/**
 * Where encoder biases are taken from data, also the rest of Anthropic's start: decoder rows uniform in ±1/√d, encoder
 * rows d/F times them.
 */
function initial(options: ModelOptions, seed: number, facts: StartFacts): InitialValues {
  const { dSae, dIn, dOut, thresholds } = options;
  const values = initialAutoencoder(options, seed, facts);
  if (!thresholds?.biasFromData) return values;
  const wDec = uniformNumbers(dSae * dOut, 1 / Math.sqrt(dOut), seed);
  return new Map([...values, ["W_dec", wDec], ["W_enc", wDec.map((w) => w * dIn / dSae)]]);
}

/** The JumpReLU family. */
export const jumprelu: ModelFamily = defineFamily({
  type: "jumprelu",
  doc:
    "A trained threshold for each latent, straight-through gradients in a window around it; tanh or L0 penalty",
  formula:
    "f = h where h > θ; L = mean ‖y - ŷ‖² + λ · mean Σ_j tanh(c f_j n_j) + λ_P · mean Σ_j ReLU(θ_j - h_j) n_j; ∂f/∂θ = -(θ/ε) where |h - θ| < ε/2 and h > 0",
  source:
    "Rajamanoharan et al. (2024), Jumping ahead, for the gradient through a window and the L0 penalty; the tanh penalty, the pre-activation loss and the start from data: Anthropic's update of January 2025.",
  defaults: {
    activation: "jumprelu",
    unitRows: false,
    decoderInitNorm: 0.1,
    loss: "sum_mean",
    penalty: penaltyOptions({ name: "tanh", coefficient: 10 }),
    thresholds: thresholdOptions({ biasFromData: true }),
    preAct: "all",
  },
  initial,
});
