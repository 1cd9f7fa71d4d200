/**
 * Newton-Schulz: singular values of a matrix go towards 1, its singular vectors stay. The Gram matrix is that of the
 * smaller side, so that the cost grows with the larger one only.
 * Source: architectures spec, section 13.1, after Jordan et al. 2024.
 * @module
 */
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import { createRows, type Rows } from "../gpu/rows.ts";
import { columnSums } from "../kernels/column_sums.ts";
import { matmul } from "../kernels/matmul.ts";
import { schulzPolynomial } from "../kernels/schulz_polynomial.ts";
import { SCALES, schulzScale } from "../kernels/schulz_scale.ts";

/** A step maps a singular value s to `a s + b s³ + c s⁵`. */
export const SCHULZ_COEFFICIENTS: readonly [number, number, number] = [3.4445, -4.775, 2.0315];

/** Steps of an update; odd, so that the result does not lie where the operand was. */
export const SCHULZ_STEPS = 5;

/** Buffers of the iteration, for matrices of one shape. */
export interface SchulzSpace {
  /** [rows, cols]: where the operand is put; overwritten. */
  readonly operand: Rows;
  /** [rows, cols]: the result. */
  readonly result: Rows;
  /** The Gram matrix, [small, small]. */
  readonly gram: Rows;
  /** Its polynomial, [small, small]. */
  readonly polynomial: Rows;
  /** f32 [cols padded]: squares by column. */
  readonly squares: GPUBuffer;
  /** f32 [SCALES.words]. */
  readonly scales: GPUBuffer;
}

/** Makes the buffers. */
export function createSchulzSpace(gpu: Gpu, rows: number, cols: number): SchulzSpace {
  const small = Math.min(rows, cols);
  const operand = createRows(gpu, "schulz operand", rows, cols);
  return {
    operand,
    result: createRows(gpu, "schulz result", rows, cols),
    gram: createRows(gpu, "schulz gram", small, small),
    polynomial: createRows(gpu, "schulz polynomial", small, small),
    squares: createBuffer(gpu, operand.stride * 4, "schulz squares"),
    scales: createBuffer(gpu, SCALES.words * 4, "schulz scales"),
  };
}

/** Five steps from `operand` to `result`; the operand may have any norm. */
export function newtonSchulz(gpu: Gpu, space: SchulzSpace): Command[] {
  const { gram, polynomial, squares, scales } = space;
  const tall = space.operand.rows > space.operand.cols;
  const [a, b, c] = SCHULZ_COEFFICIENTS;
  const { shards, stride } = space.operand;
  const commands: Command[] = [
    ...columnSums.record(gpu, { shards, stride, squared: true, sums: squares }),
    schulzScale.record(gpu, { count: stride, squares, scales }),
  ];
  let [x, next] = [space.operand, space.result];
  for (let i = 0; i < SCHULZ_STEPS; i++) {
    // The first step reads the operand as it is, and scales what it makes of it.
    const scaled = (scaleWord: number) => i === 0 ? { scalars: scales, scaleWord } : {};
    commands.push(
      ...matmul.record(gpu, {
        label: "gram",
        a: x,
        b: x,
        c: gram,
        transA: tall,
        transB: !tall,
        ...scaled(SCALES.square),
      }),
      ...schulzPolynomial.record(gpu, { gram, polynomial, a, b }),
      ...matmul.record(gpu, {
        label: "square",
        a: gram,
        b: gram,
        c: polynomial,
        alpha: c,
        beta: 1,
      }),
      ...matmul.record(gpu, {
        label: "step",
        a: tall ? x : polynomial,
        b: tall ? polynomial : x,
        c: next,
        ...scaled(SCALES.scale),
      }),
    );
    [x, next] = [next, x];
  }
  return commands;
}
