/**
 * Rows whose true features are known: sparse combinations of unit directions, drawn so that row i is a pure function of
 * the seed and of i. Source: evals spec, section 9.1.
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { forestOf, type ForestShape, grow, withForest } from "./synthetic_forest.ts";
import { decorrelate } from "./synthetic_features.ts";

/** How often features fire, before the forest has its say. */
export type FrequencyLaw =
  | { law: "constant"; p: number }
  /** Proportional to rank^-exponent, scaled so that the first is `most` and the last `least`. */
  | { law: "zipf"; exponent: number; least: number; most: number };

/** What is planted. */
export interface SyntheticSpec {
  /** Number of features. */
  features: number;
  /** Width of a row. */
  d: number;
  /** How often features fire. */
  frequency: FrequencyLaw;
  /** Mean size of the first and of the last feature where they fire, linear in between, and its standard deviation. */
  size: { first: number; last: number; std: number };
  /** Length of the constant that is added to every row. */
  offset: number;
  /** Features that fire only with others, and only one of each set of siblings. */
  forest?: ForestShape;
  /** Steps of making features more orthogonal; none when absent. */
  orthogonalise?: { steps: number; lr: number };
}

/** Names of the presets. */
export const PRESET_NAMES = ["tiny", "small"] as const;
/** One of {@link PRESET_NAMES}. */
export type PresetName = typeof PRESET_NAMES[number];

/** Presets of the spec; sizes of features as those of its benchmark, about five with a tenth of that as spread. */
export const PRESETS: Readonly<Record<PresetName, SyntheticSpec>> = {
  tiny: {
    features: 64,
    d: 32,
    frequency: { law: "constant", p: 0.05 },
    size: { first: 5, last: 5, std: 0.5 },
    offset: 4,
  },
  small: {
    features: 1024,
    d: 128,
    frequency: { law: "zipf", exponent: 0.5, least: 0.001, most: 0.1 },
    size: { first: 5, last: 4, std: 0.5 },
    offset: 4,
    forest: { roots: 16, branching: 4, levels: 2 },
  },
};

/** What fires on some rows, and how strongly. */
export interface Firings {
  /** First entry of each row, and one past the last of all [rows + 1]. */
  rowStart: Uint32Array;
  /** Features, ascending within a row. */
  feature: Uint32Array;
  /** Their sizes, all positive. */
  size: Float32Array;
}

/** Features and their law. */
export interface SyntheticWorld {
  /** What it was made of. */
  readonly spec: SyntheticSpec;
  /** Unit directions, row-major [features, d]. */
  readonly directions: Float32Array;
  /** How often each feature is meant to fire [features]. */
  readonly probability: Float64Array;
  /** What fires on rows [0, rows), row r being sample `sample(r)`. */
  firings(rows: number, sample: (r: number) => number): Firings;
}

/** Unit rows with directions drawn evenly from the sphere. */
export function unitRows(count: number, d: number, stream: RandomStream): Float32Array {
  const out = new Float32Array(count * d);
  for (let i = 0; i < count; i++) {
    const row = out.subarray(i * d, (i + 1) * d);
    stream.fillNormal(i, row);
    const norm = Math.sqrt(row.reduce((s, v) => s + v * v, 0));
    row.forEach((v, j) => row[j] = v / norm);
  }
  return out;
}

/** Frequencies by the law, most frequent first. */
export function frequencies({ features, frequency }: SyntheticSpec): Float64Array {
  if (frequency.law === "constant") return new Float64Array(features).fill(frequency.p);
  const { exponent, least, most } = frequency;
  const weight = (rank: number) => rank ** -exponent;
  const last = weight(features);
  const share = (i: number) => features > 1 ? (weight(i + 1) - last) / (1 - last) : 1;
  return Float64Array.from({ length: features }, (_, i) => least + (most - least) * share(i));
}

/** Features that do not know each other. */
const NO_FOREST: ForestShape = { roots: 0, branching: 0, levels: 0 };

/**
 * Makes a world.
 * @param part which of several independent worlds of the same seed
 */
export function createWorld(spec: SyntheticSpec, seed: number, part = 0): SyntheticWorld {
  const { features, d, size, forest: shape, orthogonalise } = spec;
  const stream = (purpose: string) => new RandomStream(seed, `synthetic ${purpose} ${part}`);
  const drawn = unitRows(features, d, stream("directions"));
  const probability = frequencies(spec);
  const forest = forestOf(shape ?? NO_FOREST, features);
  const chance = withForest(forest, probability);
  const below = new Set([...forest.children.values()].flat());
  const lottery = new Lottery(probability.map((p, f) => below.has(f) ? 0 : p));
  const [draws, children, choices, sizes] = ["draws", "children", "choices", "sizes"].map(stream);
  const meanSize = (f: number) =>
    size.first + (size.last - size.first) * (features > 1 ? f / (features - 1) : 0);
  return {
    spec,
    directions: orthogonalise ? decorrelate(drawn, d, orthogonalise) : drawn,
    probability,
    firings(rows, sample) {
      const rowStart = new Uint32Array(rows + 1);
      const feature: number[] = [], amount: number[] = [];
      for (let r = 0; r < rows; r++) {
        const at = sample(r);
        const fired = grow(
          forest,
          lottery.draw(draws, at),
          chance,
          (f) => children.uniform(at, f),
          (parent) => choices.uniform(at, parent),
        );
        for (const f of fired) {
          const value = meanSize(f) + size.std * sizes.normal(at, f);
          if (!(value > 0)) continue;
          feature.push(f);
          amount.push(value);
        }
        rowStart[r + 1] = feature.length;
      }
      return { rowStart, feature: Uint32Array.from(feature), size: Float32Array.from(amount) };
    },
  };
}

/** Adds `size` times the direction of every feature that fired to the rows of `out` [rows, d]. */
export function addFirings(
  out: Float32Array,
  { rowStart, feature, size }: Firings,
  directions: Float32Array,
  d: number,
): void {
  for (let r = 0; r + 1 < rowStart.length; r++) {
    for (let e = rowStart[r]; e < rowStart[r + 1]; e++) {
      const from = feature[e] * d;
      for (let j = 0; j < d; j++) out[r * d + j] += size[e] * directions[from + j];
    }
  }
}

/**
 * Independent draws of many rare events without looking at each: features of about the same frequency are passed over by
 * geometric jumps at the largest frequency of their group, and where a jump lands is kept in proportion to its own.
 */
class Lottery {
  readonly #groups: { features: number[]; most: number }[] = [];

  constructor(readonly probability: Float64Array) {
    const ranked = [...probability.keys()].filter((f) => probability[f] > 0)
      .sort((a, b) => probability[b] - probability[a] || a - b);
    for (const f of ranked) {
      const last = this.#groups.at(-1);
      if (last && probability[f] > last.most / 2) last.features.push(f);
      else this.#groups.push({ features: [f], most: probability[f] });
    }
  }

  /** Features that fire on sample `at`, in any order. */
  draw(stream: RandomStream, at: number): number[] {
    const fired: number[] = [];
    let draw = 0;
    for (const { features, most } of this.#groups) {
      const rate = Math.log1p(-most);
      for (let i = 0;; i++) {
        const [a, b, c] = stream.block(at, draw++);
        const u = ((a >>> 5) * 67108864 + (b >>> 6) + 1) / 9007199254740993;
        i += Math.floor(Math.log(u) / rate);
        if (i >= features.length) break;
        const f = features[i];
        if (c < this.probability[f] / most * 4294967296) fired.push(f);
      }
    }
    return fired;
  }
}
