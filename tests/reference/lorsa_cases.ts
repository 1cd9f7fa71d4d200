/**
 * The cases of `tests/golden/lorsa.json`, which PyTorch made (`tests/peers/lorsa_cases.py`).
 * @module
 */
import golden from "../golden/lorsa.json" with { type: "json" };
import { frequencies, type Rotary } from "../../lib/kernels/rope_rows.ts";
import type { LorsaShape, LorsaWeights } from "../../lib/reference/lorsa.ts";
import { type Code, dot, type Matrix } from "../../lib/reference/types.ts";

/** A case in the words of the reference. */
export interface LorsaCase {
  /** What is special about it. */
  name: string;
  /** [rows, d]. */
  x: Matrix;
  /** [rows, d]: the target. */
  y: Matrix;
  /** Active latents a row. */
  k: number;
  /** Encoder. */
  weights: LorsaWeights;
  /** Decoder rows [latents, d]. */
  wO: Matrix;
  /** Decoder bias [d]. */
  bD: Float64Array;
  /** What is not trained. */
  shape: LorsaShape;
  /** Its rotary positions as the device's kernels want them. */
  rotary?: Rotary;
  /** Scores of all latents [rows, latents] by PyTorch. */
  scores: Matrix;
  /** `Σ‖y - ŷ‖² / rows` by PyTorch. */
  loss: number;
  /** Its gradients by PyTorch's autograd. */
  gradients: LorsaWeights & { wO: Matrix; bD: Float64Array };
}

type Plain = Record<string, number[] | number[][] | undefined>;

const vector = (v: unknown) => Float64Array.from(v as number[]);
const matrix = (m: unknown): Matrix => (m as number[][]).map((row) => Float64Array.from(row));

function weightsOf(given: Plain): LorsaWeights & { wO: Matrix; bD: Float64Array } {
  return {
    wQ: matrix(given.W_Q),
    bQ: vector(given.b_Q),
    wK: matrix(given.W_K),
    bK: vector(given.b_K),
    wV: matrix(given.W_V),
    bV: vector(given.b_V),
    lnQ: given.ln_q && vector(given.ln_q),
    lnK: given.ln_k && vector(given.ln_k),
    wO: matrix(given.W_O),
    bD: vector(given.b_D),
  };
}

function rotaryOf(given: typeof golden.cases[number]["rotary"]): Rotary | undefined {
  if (!given) return undefined;
  const { dim, base, adjacent_pairs: adjacentPairs, copies, ntk } = given;
  return {
    dim,
    base,
    adjacentPairs,
    copies,
    ntk: ntk
      ? {
        factor: ntk.factor,
        lowFreqFactor: ntk.low,
        highFreqFactor: ntk.high,
        oldContext: ntk.old_context,
      }
      : undefined,
  };
}

/** All cases. */
export const LORSA_CASES: readonly LorsaCase[] = golden.cases.map((given) => {
  const rotary = rotaryOf(given.rotary);
  const { wO, bD, ...weights } = weightsOf(given.weights as Plain);
  return {
    name: given.name,
    x: matrix(given.x),
    y: matrix(given.y),
    k: given.k,
    weights,
    wO,
    bD,
    rotary,
    shape: {
      heads: given.heads,
      length: given.length,
      scale: given.scale,
      eps: given.eps,
      turning: rotary && {
        angles: [...frequencies(rotary)],
        adjacentPairs: rotary.adjacentPairs,
        copies: rotary.copies,
      },
    },
    scores: matrix(given.scores),
    loss: given.loss,
    gradients: weightsOf(given.gradients as Plain),
  };
});

/** The k largest scores of each row, where positive. */
export function topkCode(scores: Matrix, k: number): Code {
  return scores.map((row) =>
    Array.from(row, (value, latent) => ({ latent, value }))
      .sort((a, b) => b.value - a.value)
      .slice(0, k)
      .filter(({ value }) => value > 0)
      .sort((a, b) => a.latent - b.latent)
  );
}

/** `y - ŷ` of a code. */
export function residualOf(code: Code, { y, wO, bD }: LorsaCase): Matrix {
  return code.map((entries, r) =>
    y[r].map((v, c) => v - bD[c] - entries.reduce((s, e) => s + e.value * wO[e.latent][c], 0))
  );
}

/** Derivatives of `Σ‖residual‖² / rows` by the scores: zero but for the entries. */
export function scoreGradients(code: Code, residual: Matrix, wO: Matrix): Matrix {
  return code.map((entries, r) => {
    const row = new Float64Array(wO.length);
    for (const { latent } of entries) row[latent] = -2 / code.length * dot(residual[r], wO[latent]);
    return row;
  });
}

/** All weights as lists of vectors, by name. */
export function partsOf(weights: LorsaWeights): Map<string, readonly Float64Array[]> {
  const rows = (m: Matrix | Float64Array) => m instanceof Float64Array ? [m] : m;
  return new Map(
    Object.entries(weights).filter(([, m]) => m !== undefined).map(([name, m]) => [name, rows(m)]),
  );
}
