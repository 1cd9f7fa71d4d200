/**
 * Folds the scales of training into the weights, so that a dictionary takes activations as the model gives them.
 * @module
 */
import type { DictionaryRecord } from "./record.ts";

/**
 * A dictionary trained on `α x` to reconstruct `β y` becomes one for `x` and `y`, with latents in the model's units:
 * b_enc over α, W_dec times α/β, b_dec over β, thresholds over α, or over β where the gate looks at decoder norms too;
 * W_enc as it is. Source: architectures spec, section 12.1.
 * @param scales α, and β where the target is another point than the input
 */
export function foldScales(record: DictionaryRecord, scales: readonly number[]): DictionaryRecord {
  const [input, output = input] = scales;
  const over = (values: Float32Array, scale: number) => values.map((v) => v / scale);
  const { activation } = record;
  const thresholdScale = record.gateByDecoderNorm ? output : input;
  return {
    ...record,
    bEnc: over(record.bEnc, input),
    wDec: input === output ? record.wDec : record.wDec.map((w) => w * (input / output)),
    bDec: over(record.bDec, output),
    activation: activation.name === "jumprelu"
      ? { name: "jumprelu", threshold: over(activation.threshold, thresholdScale) }
      : activation,
  };
}
