import { RandomStream } from "../../lib/base/random.ts";
import { transpose } from "../../lib/interop/gauge.ts";
import type { Activation, DictionaryRecord } from "../../lib/models/record.ts";

/**
 * The dictionary of the golden vectors: d = 2, F = 3, decoder row norms 2, 1 and √2.
 * The matrix of the encoder is given as [d, F], as the vectors print it.
 */
export function golden(activation: Activation, subtractBDec = true): DictionaryRecord {
  return {
    kind: "sae",
    dIn: 2,
    dOut: 2,
    dSae: 3,
    wEnc: transpose(Float32Array.of(1, 0, -1, 0, 1, 1), 2, 3),
    bEnc: Float32Array.of(0.1, -0.2, 0.05),
    wDec: Float32Array.of(2, 0, 0, 1, -1, 1),
    bDec: Float32Array.of(0.5, -0.5),
    subtractBDec,
    gateByDecoderNorm: false,
    activation,
  };
}

/** The input of the golden vectors. */
export const GOLDEN_X = [1.5, 0.5];

/** Thresholds of the golden jumprelu. */
export const GOLDEN_THRESHOLD = Float32Array.of(0.3, 0.9, 0.1);

/** A random dictionary with unit decoder rows. */
export function randomRecord(
  dIn: number,
  dSae: number,
  activation: Activation,
  seed = 1,
): DictionaryRecord {
  const stream = new RandomStream(seed, "record");
  const draw = (step: number, length: number, scale: number) =>
    Float32Array.from({ length }, (_, i) => scale * stream.normal(step, i));
  const wDec = draw(2, dSae * dIn, 1);
  for (let f = 0; f < dSae; f++) {
    const row = wDec.subarray(f * dIn, (f + 1) * dIn);
    const norm = Math.hypot(...row);
    row.forEach((v, j) => row[j] = v / norm);
  }
  return {
    kind: "sae",
    dIn,
    dOut: dIn,
    dSae,
    wEnc: draw(1, dSae * dIn, 1 / Math.sqrt(dIn)),
    bEnc: draw(3, dSae, 0.1),
    wDec,
    bDec: draw(4, dIn, 0.5),
    subtractBDec: true,
    gateByDecoderNorm: false,
    activation,
  };
}

/** Random rows [rows, d]. */
export function randomRows(rows: number, d: number, seed = 2): Float32Array<ArrayBuffer> {
  const stream = new RandomStream(seed, "rows");
  return Float32Array.from({ length: rows * d }, (_, i) => stream.normal(0, i));
}
