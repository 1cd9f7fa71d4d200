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
