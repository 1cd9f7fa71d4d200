/**
 * The cases of `tests/golden/nested.json`, which PyTorch made (`tests/peers/nested_cases.py`).
 * @module
 */
import golden from "../golden/nested.json" with { type: "json" };
import type { NestedOptions, NestedWeights } from "../../lib/reference/nested_step.ts";
import type { Matrix } from "../../lib/reference/types.ts";

/** A case in the words of the reference. */
export interface NestedCase {
  /** What is special about it. */
  name: string;
  /** [rows, dIn]. */
  x: Matrix;
  /** [rows, dOut]. */
  y: Matrix;
  /** Parameters. */
  weights: NestedWeights;
  /** What is asked for. */
  options: NestedOptions;
  /** The loss by PyTorch. */
  loss: number;
  /** Its gradients by PyTorch's autograd. */
  gradients: NestedWeights;
}

type Plain = Partial<Record<string, number[] | number[][]>>;

function weightsOf(given: Plain, round = (v: number) => v): NestedWeights {
  const vector = (v: unknown) => Float64Array.from(v as number[], round);
  const matrix = (m: unknown): Matrix => (m as number[][]).map(vector);
  return {
    wEnc: matrix(given.W_enc),
    bEnc: vector(given.b_enc),
    wDec: matrix(given.W_dec),
    bDec: vector(given.b_dec),
    ...given.W_skip && { wSkip: matrix(given.W_skip) },
  };
}

const rounded = (m: number[][]): Matrix => m.map((row) => Float64Array.from(row, Math.fround));

/** All cases. Inputs are float32, written in decimal. */
export const NESTED_CASES: readonly NestedCase[] = golden.cases.map((c) => ({
  name: c.name,
  x: rounded(c.x),
  y: rounded(c.y),
  weights: weightsOf(c.weights_of as Plain, Math.fround),
  options: {
    k: c.k,
    inputBias: !c.transcoder,
    bounds: c.bounds,
    weights: c.weights,
    multiTopk: c.multi,
    ...c.factor !== null && { factor: c.factor },
  },
  loss: c.loss,
  gradients: weightsOf(c.gradients as Plain),
}));
