/**
 * How much of what was planted a dictionary found: its directions against the true ones.
 * Source: evals spec, section 9.3.
 * @module
 */
import { bestAssignment } from "./assignment.ts";
import { type Measured, measured } from "./definitions.ts";
import { SYNTHETIC_DEFINITIONS } from "./synthetic_definitions.ts";

/** True directions beside those of the latents that may find them. */
export interface DirectionPair {
  /** True directions, row-major [features, width], of any length. */
  truth: Float32Array;
  /** Directions of the latents, row-major [latents, width], of any length. */
  latents: Float32Array;
  /** Width. */
  width: number;
  /** How often the true features fire [features]; equally often when absent. */
  probability?: Float64Array;
  /** 1 for latents that fire [latents]; all do when absent. */
  live?: Uint8Array;
}

/** Rows at length 1; a row of zeros stays one. */
function normalised(rows: Float32Array, width: number): Float32Array {
  const out = rows.slice();
  for (let i = 0; i < rows.length; i += width) {
    let square = 0;
    for (let j = i; j < i + width; j++) square += rows[j] * rows[j];
    if (square > 0) { for (let j = i; j < i + width; j++) out[j] /= Math.sqrt(square); }
  }
  return out;
}

/** Cosines of every feature with every latent, row-major [features, latents]. */
export function cosines({ truth, latents, width }: DirectionPair): Float32Array {
  const v = normalised(truth, width), w = normalised(latents, width);
  const features = v.length / width, count = w.length / width;
  const out = new Float32Array(features * count);
  for (let f = 0; f < features; f++) {
    for (let l = 0; l < count; l++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += v[f * width + j] * w[l * width + j];
      out[f * count + l] = sum;
    }
  }
  return out;
}

/** The latents' nearest features. */
export interface Nearest {
  /** Feature with the largest |cosine| of each latent [latents]. */
  feature: Int32Array;
}

/** Sums over the pairs of all layers. */
interface Sums {
  features: number;
  latents: number;
  live: number;
  recall: number;
  recallAbs: number;
  recallAll: number;
  precision: number;
  recovered: number[];
  byFrequency: number;
  frequency: number;
  distinct: number;
  pairs: number;
  matched: number;
}

const LEVELS = [0.7, 0.9, 0.95];

/** Figures of directions, over the latents of all layers together, and the feature nearest to each latent. */
export function directionFigures(
  pairs: readonly DirectionPair[],
): { figures: Measured[]; nearest: Nearest[] } {
  const sums: Sums = {
    features: 0,
    latents: 0,
    live: 0,
    recall: 0,
    recallAbs: 0,
    recallAll: 0,
    precision: 0,
    recovered: LEVELS.map(() => 0),
    byFrequency: 0,
    frequency: 0,
    distinct: 0,
    pairs: 0,
    matched: 0,
  };
  const nearest = pairs.map((pair) => addPair(sums, pair));
  const own = (name: string, value: number) =>
    measured(`synthetic/${name}`, value, SYNTHETIC_DEFINITIONS);
  const { features } = sums;
  return {
    nearest,
    figures: [
      own("mmcs_recall", sums.recall / features),
      own("mmcs_recall_abs", sums.recallAbs / features),
      own("mmcs_recall_all", sums.recallAll / features),
      own("mmcs_precision", sums.precision / sums.live),
      ...LEVELS.map((level, i) =>
        own(`recovered_${Math.round(100 * level)}`, sums.recovered[i] / features)
      ),
      own("recovered_90_by_frequency", sums.byFrequency / sums.frequency),
      own("mcc", sums.matched / sums.pairs),
      own("uniqueness", sums.distinct / sums.latents),
    ],
  };
}

function addPair(sums: Sums, pair: DirectionPair): Nearest {
  const { live, probability } = pair;
  const cosine = cosines(pair);
  const features = pair.truth.length / pair.width, latents = pair.latents.length / pair.width;
  const best = new Float64Array(latents).fill(-1), bestAbs = new Float64Array(latents).fill(-1);
  const feature = new Int32Array(latents);
  for (let f = 0; f < features; f++) {
    // Without a live latent nothing is found: cosine 0.
    let found = live ? -Infinity : -1, foundAbs = 0, foundAll = -1;
    for (let l = 0; l < latents; l++) {
      const c = cosine[f * latents + l], size = Math.abs(c);
      foundAll = Math.max(foundAll, c);
      if (!live || live[l]) {
        found = Math.max(found, c);
        foundAbs = Math.max(foundAbs, size);
      }
      best[l] = Math.max(best[l], c);
      if (size > bestAbs[l]) {
        bestAbs[l] = size;
        feature[l] = f;
      }
    }
    if (found === -Infinity) found = 0;
    const weight = probability?.[f] ?? 1;
    sums.recall += found;
    sums.recallAbs += foundAbs;
    sums.recallAll += foundAll;
    LEVELS.forEach((level, i) => sums.recovered[i] += found > level ? 1 : 0);
    sums.byFrequency += found > 0.9 ? weight : 0;
    sums.frequency += weight;
  }
  for (let l = 0; l < latents; l++) {
    if (live && !live[l]) continue;
    sums.live++;
    sums.precision += best[l];
  }
  sums.features += features;
  sums.latents += latents;
  sums.distinct += new Set(feature).size;
  sums.pairs += Math.min(features, latents);
  sums.matched += matchedSum(cosine, features, latents);
  return { feature };
}

/** Σ of |cosine| over the best one-to-one assignment. */
function matchedSum(cosine: Float32Array, features: number, latents: number): number {
  const wide = features <= latents;
  const rows = wide ? features : latents, cols = wide ? latents : features;
  const gain = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      gain[i * cols + j] = Math.abs(wide ? cosine[i * cols + j] : cosine[j * rows + i]);
    }
  }
  return bestAssignment(gain, rows, cols)
    .reduce((sum, j, i) => sum + gain[i * cols + j], 0);
}
