/**
 * Encoder biases from data, for thresholds that are to be passed by a wanted share of rows from the start.
 * @module
 */
import type { ModelOptions, StartFacts } from "./types.ts";

/** Rows that a quantile is taken of: more change it by less than training does. */
const MOST_ROWS = 512;
const LEAST_ROWS = 64;

/** Multiplications that it may take, a few seconds, before rows become fewer. */
const WORK = 4e9;

/** Active latents of a row that are aimed at (Anthropic's of January 2025). */
const ACTIVE = 10_000;

/** Value below which the share `p` of `sorted` lies, between its neighbours in proportion. */
export function quantileOf(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/**
 * `b_enc_j = θ - quantile_{1-p}(W_enc[j] · c)` over rows c of the encoder's input, p = 10 000 / F and at most a half: so
 * that about 10 000 latents are active in a row at first. Source: architectures spec, section 4.4, "Init".
 * @param wEnc [dSae, dIn]
 * @returns a vector [dSae]
 */
export function quantileBias(
  { dSae, dIn, inputBias, decoderBias }: ModelOptions,
  { sample, bDec }: Pick<StartFacts, "sample" | "bDec">,
  wEnc: Float32Array,
  theta: number,
): Float32Array {
  const all = sample.length / dIn;
  const affordable = Math.max(LEAST_ROWS, Math.floor(WORK / (dSae * dIn)));
  const rows = Math.min(MOST_ROWS, affordable, all);
  const share = Math.min(0.5, ACTIVE / dSae);
  const centred = new Float64Array(rows * dIn);
  const bias = inputBias && decoderBias ? bDec[0] : undefined;
  for (let r = 0; r < rows; r++) {
    // Spread over the sample, whose neighbours may come from one text.
    const at = Math.floor(r * all / rows) * dIn;
    for (let j = 0; j < dIn; j++) centred[r * dIn + j] = sample[at + j] - (bias ? bias[j] : 0);
  }
  const scores = new Float64Array(rows);
  return Float32Array.from({ length: dSae }, (_, f) => {
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let j = 0; j < dIn; j++) sum += centred[r * dIn + j] * wEnc[f * dIn + j];
      scores[r] = sum;
    }
    return theta - quantileOf(scores.toSorted(), 1 - share);
  });
}
