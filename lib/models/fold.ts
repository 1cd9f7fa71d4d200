/**
 * Folds the scales of training into the weights, so that a dictionary takes activations as the model gives them.
 * @module
 */
import type {
  Activation,
  CltRecord,
  DictionaryRecord,
  LorsaRecord,
  TrainedRecord,
} from "./record.ts";

function over(values: Float32Array, scale: number): Float32Array {
  return values.map((v) => v / scale);
}

/** An activation whose scores were `scale` times as large in training. */
function foldActivation(activation: Activation, scale: number): Activation {
  switch (activation.name) {
    case "jumprelu":
      return { name: "jumprelu", threshold: over(activation.threshold, scale) };
    case "batchtopk":
      return { ...activation, threshold: activation.threshold / scale };
    case "matching_pursuit":
      return { ...activation, residualThreshold: activation.residualThreshold / scale };
    case "product_keys":
      return { ...activation, keyBias: over(activation.keyBias, scale) };
    default:
      return activation;
  }
}

/**
 * A dictionary trained on `α x` to reconstruct `β y` becomes one for `x` and `y`, with latents in the model's units:
 * b_enc over α, W_dec and W_skip times α/β, b_dec over β, thresholds over α, or over β where the gate looks at decoder
 * norms too; W_enc as it is. Source: architectures spec, section 12.1.
 * @param scales the factors of all inputs, then of all targets that are not inputs themselves
 */
export function foldScales<T extends TrainedRecord>(record: T, scales: readonly number[]): T;
export function foldScales(record: TrainedRecord, scales: readonly number[]): TrainedRecord {
  if (record.kind === "lorsa") return foldAttention(record, scales);
  return record.kind === "clt" ? foldLayers(record, scales) : foldOne(record, scales);
}

/**
 * Attention keeps its latents in the scale of training, since the values of all positions meet in one of them: W_Q, W_K
 * and W_V times α, W_O and b_dec over β, other biases as they are; thresholds over β where the gate looks at decoder norms,
 * else as they are. Source: architectures spec, section 12.3.
 */
function foldAttention(record: LorsaRecord, scales: readonly number[]): LorsaRecord {
  const [input, output] = scales;
  const times = (values: Float32Array) => values.map((v) => v * input);
  return {
    ...record,
    wQ: times(record.wQ),
    wK: times(record.wK),
    wV: times(record.wV),
    wDec: over(record.wDec, output),
    bDec: over(record.bDec, output),
    activation: foldActivation(record.activation, record.gateByDecoderNorm ? output : 1),
  };
}

function foldOne(record: DictionaryRecord, scales: readonly number[]): DictionaryRecord {
  const [input, output = input] = scales;
  const ratio = input / output;
  const scaled = (values: Float32Array) => ratio === 1 ? values : values.map((v) => v * ratio);
  return {
    ...record,
    bEnc: over(record.bEnc, input),
    wDec: scaled(record.wDec),
    bDec: over(record.bDec, output),
    ...record.wSkip && { wSkip: scaled(record.wSkip) },
    activation: foldActivation(record.activation, record.gateByDecoderNorm ? output : input),
  };
}

/**
 * Latents of several layers compete in one gate, so that they keep the scale of training: W_enc of a layer times its α,
 * W_dec and b_dec of a target over its β, biases, thresholds and k as they are. Exact for every gate.
 */
function foldLayers(record: CltRecord, scales: readonly number[]): CltRecord {
  const { layers, dSae, dIn } = record;
  return {
    ...record,
    wEnc: record.wEnc.map((w, i) => w * scales[Math.floor(i / (dSae * dIn))]),
    wDec: record.wDec.map((w, l) => over(w, scales[layers + l])),
    bDec: record.bDec.map((b, l) => over(b, scales[layers + l])),
  };
}
