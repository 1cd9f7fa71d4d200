/**
 * The cases of `tests/golden/pkm.json`, which PyTorch made (`tests/peers/pkm_cases.py`).
 * @module
 */
import golden from "../golden/pkm.json" with { type: "json" };
import type { PkmShape, PkmWeights } from "../../lib/reference/product_keys.ts";
import { type Code, dot, type EntryNumbers, type Matrix } from "../../lib/reference/types.ts";

/** A case in the words of the reference. */
export interface PkmCase {
  /** What is special about it. */
  name: string;
  /** The grid. */
  shape: PkmShape;
  /** Most active latents a row. */
  k: number;
  /** [rows, d]. */
  x: Matrix;
  /** [rows, d]: the target. */
  y: Matrix;
  /** Encoder. */
  weights: PkmWeights;
  /** Decoder rows [latents, d]. */
  wDec: Matrix;
  /** Decoder bias [d]. */
  bDec: Float64Array;
  /** The code by PyTorch. */
  code: Code;
  /** `Σ‖y - ŷ‖² / rows` by PyTorch. */
  loss: number;
  /** Its gradients by PyTorch's autograd. */
  gradients: PkmWeights & { wDec: Matrix; bDec: Float64Array };
  /** Σ over rows of its gradient by the input. */
  inputSum: Float64Array;
}

const vector = (v: unknown) => Float64Array.from(v as number[]);
const matrix = (m: unknown): Matrix => (m as number[][]).map((row) => Float64Array.from(row));

function weightsOf(given: Record<string, unknown>): PkmCase["gradients"] {
  return {
    keys: matrix(given.W_keys),
    keyBias: vector(given.b_keys),
    latentBias: given.b_latent ? vector(given.b_latent) : undefined,
    wDec: matrix(given.W_dec),
    bDec: vector(given.b_dec),
  };
}

/** All cases. */
export const PKM_CASES: readonly PkmCase[] = golden.cases.map((c) => {
  const { wDec, bDec, ...weights } = weightsOf(c.weights);
  return {
    name: c.name,
    shape: { m1: c.m1, m2: c.m2, latents: c.latents, heads: c.heads },
    k: c.k,
    x: matrix(c.x),
    y: matrix(c.y),
    weights,
    wDec,
    bDec,
    code: c.values.map((row) =>
      row.map((value, latent) => ({ latent, value })).filter(({ value }) => value > 0)
    ),
    loss: c.loss,
    gradients: weightsOf(c.gradients),
    inputSum: vector(c.input_sum),
  };
});

/** Target less reconstruction. */
export function residualOf(code: Code, { y, wDec, bDec }: PkmCase): Matrix {
  return y.map((row, r) =>
    row.map((v, j) => v - bDec[j] - code[r].reduce((s, e) => s + e.value * wDec[e.latent][j], 0))
  );
}

/** Derivatives of the loss by the values of the code. */
export function valueGradients(code: Code, given: PkmCase): EntryNumbers {
  return residualOf(code, given).map((row, r) =>
    code[r].map(({ latent }) => -2 * dot(row, given.wDec[latent]) / given.x.length)
  );
}
