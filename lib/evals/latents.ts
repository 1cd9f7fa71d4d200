/**
 * What there is to show of single latents: how often and how strongly they fire, and where they fire most.
 * @module
 */
import type { EncodedRows } from "../models/inference.ts";

/** A latent's places of strong activation. */
export interface LatentProfile {
  /** The latent. */
  latent: number;
  /** Rows on which it fires. */
  fired: number;
  /** Largest value. */
  max: number;
  /** Mean value where it fires. */
  mean: number;
  /** Histogram of its values: `edges` has one more entry than `counts`. */
  histogram: { edges: number[]; counts: number[] };
  /** Rows of its strongest activations, at most one a context, strongest first. */
  peaks: { row: number; value: number }[];
  /** All its values by row. */
  values: ReadonlyMap<number, number>;
}

/** Bars of a latent's histogram. */
const BARS = 30;

/** Rows below which a latent is too rare to say anything about. */
const FEWEST = 10;

/**
 * Latents to show: evenly spaced over the ranks of density among those that fire on at least `FEWEST` rows, so that rare,
 * middling and frequent ones all appear. Ascending by latent.
 */
export function chooseLatents(fired: Uint32Array, count: number): number[] {
  const ranked = [...fired.keys()].filter((f) => fired[f] >= FEWEST)
    .sort((a, b) => fired[b] - fired[a] || a - b);
  const wanted = Math.min(count, ranked.length);
  const chosen = Array.from(
    { length: wanted },
    (_, i) => ranked[Math.floor((i + 0.5) * ranked.length / wanted)],
  );
  return chosen.sort((a, b) => a - b);
}

/** One sentence on how {@link chooseLatents} chooses. */
export const CHOICE: string =
  `Evenly spaced over the ranks of density among latents that fire on at least ${FEWEST} held-out tokens.`;

/**
 * Profiles of the chosen latents.
 * @param codes codes of all rows in order
 * @param contextOf context of each row: peaks are taken from different contexts
 */
export function profileLatents(
  codes: readonly EncodedRows[],
  chosen: readonly number[],
  contextOf: ArrayLike<number>,
  peaks: number,
): LatentProfile[] {
  const values = new Map<number, Map<number, number>>(chosen.map((f) => [f, new Map()]));
  let row = 0;
  for (const code of codes) {
    for (let r = 0; r < code.rows; r++, row++) {
      for (let e = code.rowStart[r]; e < code.rowStart[r + 1]; e++) {
        values.get(code.latent[e])?.set(row, code.value[e]);
      }
    }
  }
  return chosen.map((latent) => {
    const own = values.get(latent) as Map<number, number>;
    const all = [...own.values()];
    const max = all.reduce((m, v) => Math.max(m, v), 0);
    return {
      latent,
      fired: all.length,
      max,
      mean: all.reduce((s, v) => s + v, 0) / Math.max(1, all.length),
      histogram: histogramOf(all, max),
      peaks: strongest(own, contextOf, peaks),
      values: own,
    };
  });
}

function histogramOf(values: readonly number[], max: number): LatentProfile["histogram"] {
  const top = max > 0 ? max : 1;
  const counts = new Array<number>(BARS).fill(0);
  for (const v of values) counts[Math.min(BARS - 1, Math.floor(v / top * BARS))]++;
  return { edges: Array.from({ length: BARS + 1 }, (_, i) => top * i / BARS), counts };
}

function strongest(
  values: ReadonlyMap<number, number>,
  contextOf: ArrayLike<number>,
  count: number,
): LatentProfile["peaks"] {
  const sorted = [...values].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const seen = new Set<number>();
  const peaks: LatentProfile["peaks"] = [];
  for (const [row, value] of sorted) {
    if (peaks.length === count) break;
    if (seen.has(contextOf[row])) continue;
    seen.add(contextOf[row]);
    peaks.push({ row, value });
  }
  return peaks;
}

/** A matrix from the stream to the vocabulary. */
export interface Readout {
  /** Row-major [vocab, d]. */
  weight: Float32Array;
  /** Number of tokens. */
  vocab: number;
  /** Width. */
  d: number;
  /** Learned weight of the final norm [d]. */
  finalNormGain?: Float32Array;
}

/**
 * Tokens that a decoder row promotes and suppresses most: `W_U (gain ⊙ (w - mean w))`, the direct path past all later
 * layers, up to the final norm's scale.
 */
export function vocabularyEffect(
  row: Float32Array,
  readout: Readout,
  count: number,
): { promoted: { id: number; score: number }[]; suppressed: { id: number; score: number }[] } {
  const { weight, vocab, d, finalNormGain } = readout;
  const mean = row.reduce((s, v) => s + v, 0) / d;
  const direction = row.map((v, j) => (v - mean) * (finalNormGain?.[j] ?? 1));
  const scores = new Float64Array(vocab);
  for (let t = 0; t < vocab; t++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += weight[t * d + j] * direction[j];
    scores[t] = sum;
  }
  const centre = scores.reduce((s, v) => s + v, 0) / vocab;
  const ids = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
  const entry = (id: number) => ({ id, score: scores[id] - centre });
  return {
    promoted: ids.slice(0, count).map(entry),
    suppressed: ids.slice(-count).reverse().map(entry),
  };
}
