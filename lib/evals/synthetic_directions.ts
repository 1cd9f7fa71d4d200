/**
 * The directions of a trained dictionary beside those that were planted.
 * @module
 */
import type { TrainedRecord } from "../models/record.ts";
import type { DirectionPair } from "./synthetic_scores.ts";
import type { Truth } from "./synthetic_task.ts";

/** Rows of several matrices with the same number of rows, side by side. */
function sideBySide(parts: readonly Float32Array[], width: number): Float32Array {
  const [first] = parts;
  if (parts.length === 1) return first;
  const rows = first.length / width, all = parts.length * width;
  const out = new Float32Array(rows * all);
  for (let r = 0; r < rows; r++) {
    parts.forEach((p, i) => out.set(p.subarray(r * width, (r + 1) * width), r * all + i * width));
  }
  return out;
}

/**
 * What is left of true directions where a skip connection carries part of a feature: u - W_skip v. Whatever the matrix
 * has become, this is what its code must add.
 */
function besideSkip(
  outputs: Float32Array,
  inputs: Float32Array,
  wSkip: Float32Array,
  { dIn, dOut }: { dIn: number; dOut: number },
): Float32Array {
  const out = outputs.slice();
  for (let f = 0; f < outputs.length / dOut; f++) {
    for (let o = 0; o < dOut; o++) {
      let sum = 0;
      for (let i = 0; i < dIn; i++) sum += wSkip[o * dIn + i] * inputs[f * dIn + i];
      out[f * dOut + o] -= sum;
    }
  }
  return out;
}

/**
 * One pair a layer: what its latents write to all of their targets, and what its features do.
 * @param fired rows on which each latent fired, all layers side by side
 */
export function directionPairs(
  record: TrainedRecord,
  truth: readonly Truth[],
  fired: Uint32Array,
): DirectionPair[] {
  const { wDec, dIn, dOut, dSae } = record;
  const targets: readonly Float32Array[] = wDec instanceof Float32Array ? [wDec] : wDec;
  const wSkip = "wSkip" in record ? record.wSkip : undefined;
  return truth.map(({ outputs, inputs, probability }, l) => {
    const rows = (target: Float32Array) => target.subarray(l * dSae * dOut, (l + 1) * dSae * dOut);
    const left = wSkip
      ? outputs.map((own) => besideSkip(own, inputs, wSkip, { dIn, dOut }))
      : outputs;
    return {
      truth: sideBySide(left, dOut),
      latents: sideBySide(targets.slice(l).map(rows), dOut),
      width: outputs.length * dOut,
      probability,
      live: Uint8Array.from(fired.subarray(l * dSae, (l + 1) * dSae), (n) => n > 0 ? 1 : 0),
    };
  });
}
