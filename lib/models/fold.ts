/**
 * Folds the input scale of training into the weights, so that a dictionary takes activations as the model gives them.
 * @module
 */
import type { DictionaryRecord } from "./record.ts";

/**
 * A dictionary trained on `scale · x` becomes one for `x`, with latents in the model's units:
 * b_enc and b_dec over s, thresholds over s, W_enc and W_dec as they are. Source: architectures spec, section 12.1.
 */
export function foldScale(record: DictionaryRecord, scale: number): DictionaryRecord {
  const over = (values: Float32Array) => values.map((v) => v / scale);
  const { activation } = record;
  return {
    ...record,
    bEnc: over(record.bEnc),
    bDec: over(record.bDec),
    activation: activation.name === "jumprelu"
      ? { name: "jumprelu", threshold: over(activation.threshold) }
      : activation,
  };
}
