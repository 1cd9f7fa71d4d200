/**
 * Rewritings of a dictionary that leave its function as it is.
 * @module
 */
import type { DictionaryRecord } from "../models/record.ts";

/** L2 norms of the decoder rows [dSae]; a zero row counts as one. */
export function decoderNorms(record: DictionaryRecord): Float64Array {
  const { dSae, dOut, wDec } = record;
  const norms = new Float64Array(dSae);
  for (let f = 0; f < dSae; f++) {
    let sum = 0;
    for (let j = 0; j < dOut; j++) sum += wDec[f * dOut + j] ** 2;
    norms[f] = Math.sqrt(sum) || 1;
  }
  return norms;
}

/** Whether every decoder row that is not zero has norm one, to `tolerance`. */
export function hasUnitDecoder(record: DictionaryRecord, tolerance = 1e-5): boolean {
  return decoderNorms(record).every((norm) => Math.abs(norm - 1) <= tolerance);
}

/**
 * The same function with decoder rows of norm one, where latent f is its old value times n = ‖W_dec row f‖:
 * W_enc, b_enc times n, W_dec over n; a jumprelu threshold times n unless it was compared with h n already.
 * @throws {RangeError} for topk that does not gate on norms: other latents would win.
 */
export function unitDecoderGauge(record: DictionaryRecord): DictionaryRecord {
  const { activation, gateByDecoderNorm, dIn, dOut } = record;
  if (activation.name === "topk" && !gateByDecoderNorm) {
    throw new RangeError("Cannot make the decoder rows of a plain topk dictionary unit vectors");
  }
  const norms = decoderNorms(record);
  const scaled = activation.name === "jumprelu" && !gateByDecoderNorm
    ? { name: activation.name, threshold: activation.threshold.map((t, f) => t * norms[f]) }
    : activation;
  return {
    ...record,
    wEnc: record.wEnc.map((w, i) => w * norms[Math.floor(i / dIn)]),
    bEnc: record.bEnc.map((b, f) => b * norms[f]),
    wDec: record.wDec.map((w, i) => w / norms[Math.floor(i / dOut)]),
    gateByDecoderNorm: false,
    activation: scaled,
  };
}

/**
 * Folds an input scale: a dictionary made for `scale · x`, whose output is divided by `scale`, becomes one for `x`.
 * Latents keep their values. W_enc times s, W_dec and b_dec over s; b_enc and thresholds stay.
 */
export function foldInputScale(record: DictionaryRecord, scale: number): DictionaryRecord {
  if (record.gateByDecoderNorm) {
    throw new RangeError("Cannot fold an input scale while selection depends on decoder norms");
  }
  return {
    ...record,
    wEnc: record.wEnc.map((w) => w * scale),
    wDec: record.wDec.map((w) => w / scale),
    bDec: record.bDec.map((b) => b / scale),
  };
}

/** Transposes a row-major matrix [rows, columns]. */
export function transpose(
  matrix: Float32Array,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(matrix.length);
  // Blocks keep both sides in the cache: one side is read along rows, the other written along columns.
  const side = 32;
  for (let r0 = 0; r0 < rows; r0 += side) {
    for (let c0 = 0; c0 < columns; c0 += side) {
      for (let r = r0; r < Math.min(r0 + side, rows); r++) {
        for (let c = c0; c < Math.min(c0 + side, columns); c++) {
          out[c * rows + r] = matrix[r * columns + c];
        }
      }
    }
  }
  return out;
}
