/**
 * Product-key memory by its definition: the code of a batch, and the derivatives of a loss by all parameters.
 * Source: architectures spec, section 8.
 * @module
 */
import { pkmBiasGradient } from "./pkm_bias_gradient.ts";
import { pkmGradient } from "./pkm_gradient.ts";
import { pkmMerge } from "./pkm_merge.ts";
import { type PkmGrid, pkmSelect } from "./pkm_select.ts";
import { type Code, dot, type EntryNumbers, type Matrix, zeros } from "./types.ts";

/** Parameters. */
export interface PkmWeights {
  /** [heads · (m1 + m2), d]: of every head the rows of U, then of V. */
  keys: Matrix;
  /** [heads · (m1 + m2)]. */
  keyBias: Float64Array;
  /** [latents]: what every head adds to its scores. */
  latentBias?: Float64Array;
}

/** A grid without what depends on the parameters. */
export type PkmShape = Pick<PkmGrid, "m1" | "m2" | "latents" | "heads">;

/** What the encoder makes of a batch. */
export interface PkmForward {
  /** Scores of all sub-keys. */
  scores: Matrix;
  /** The code. */
  code: Code;
  /** Of every entry a word: bit h says that head h proposed it. */
  proposers: EntryNumbers;
}

/** From inputs to codes of at most k latents. */
export function pkmForward(
  x: Matrix,
  weights: PkmWeights,
  shape: PkmShape,
  k: number,
): PkmForward {
  const scores = x.map((row) =>
    Float64Array.from(weights.keys, (key, i) => dot(row, key) + weights.keyBias[i])
  );
  const lists = pkmSelect(scores, k, { ...shape, bias: weights.latentBias });
  return { scores, ...pkmMerge(lists, shape.heads) };
}

/** Gradients by the parameters, and the sum over rows of those by the input. */
export interface PkmGradients {
  /** As the parameter. */
  keys: Matrix;
  /** As the parameter. */
  keyBias: Float64Array;
  /** As the parameter, also where there is none. */
  latentBias: Float64Array;
  /** [d]. */
  inputSum: Float64Array;
}

/**
 * The way back.
 * @param dz derivatives by the values of the code
 */
export function pkmBackward(
  x: Matrix,
  { keys }: PkmWeights,
  shape: PkmShape,
  { code, proposers }: Pick<PkmForward, "code" | "proposers">,
  dz: EntryNumbers,
): PkmGradients {
  const d = x[0].length;
  const byScore = pkmGradient(code, dz, proposers, shape);
  const out = {
    keys: zeros(keys.length, d),
    keyBias: new Float64Array(keys.length),
    latentBias: pkmBiasGradient(code, dz, proposers, shape.latents),
    inputSum: new Float64Array(d),
  };
  byScore.forEach((row, r) =>
    row.forEach((g, i) => {
      out.keyBias[i] += g;
      for (let j = 0; j < d; j++) {
        out.keys[i][j] += g * x[r][j];
        out.inputSum[j] += g * keys[i][j];
      }
    })
  );
  return out;
}

/** A trained memory of several heads, as records have it. */
export interface PkmRecord {
  readonly name: "product_keys";
  /** Most active latents a row. */
  readonly k: number;
  /** Selections of a row. */
  readonly heads: number;
  /** Sub-keys of the first side. */
  readonly m1: number;
  /** Sub-keys of the second side. */
  readonly m2: number;
  /** [heads · (m1 + m2), d], row-major. */
  readonly keys: ArrayLike<number>;
  /** [heads · (m1 + m2)]. */
  readonly keyBias: ArrayLike<number>;
}

/**
 * All latents of one row.
 * @param x the row, less the bias that is taken from the input
 * @param latentBias [latents]: what every head adds
 */
export function pkmLatents(
  x: Float64Array,
  { k, heads, m1, m2, keys, keyBias }: PkmRecord,
  latentBias: ArrayLike<number>,
): Float64Array {
  const d = x.length;
  const weights = {
    keys: Array.from(
      { length: keyBias.length },
      (_, i) => Float64Array.from({ length: d }, (_, j) => keys[i * d + j]),
    ),
    keyBias: Float64Array.from(keyBias),
    latentBias: Float64Array.from(latentBias),
  };
  const latents = latentBias.length;
  const out = new Float64Array(latents);
  const [entries] = pkmForward([x], weights, { m1, m2, latents, heads }, k).code;
  for (const { latent, value } of entries) out[latent] = value;
  return out;
}
