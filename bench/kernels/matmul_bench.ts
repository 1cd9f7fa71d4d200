/**
 * Dense products of the sizes that they have in training: an affine skip, its gradient, and a step of Newton-Schulz.
 * @module
 */
import { matmul, type MatmulForm } from "../../lib/kernels/matmul.ts";
import { createRows, onlyShard } from "../../lib/gpu/rows.ts";
import { DEMO, type Stage, valueAt, WIDE } from "../stage.ts";
import type { BenchCase, KernelBench } from "../types.ts";

function one(
  stage: Stage,
  name: string,
  [rows, cols, inner]: readonly [number, number, number],
  { transA, transB }: MatmulForm,
): BenchCase {
  const { gpu } = stage;
  const shape = { rows, cols, inner };
  const scale = 1 / Math.sqrt(inner);
  const a = transA ? stage.matrix(inner, rows, 1) : stage.matrix(rows, inner, 1);
  const b = transB ? stage.matrix(cols, inner, 3, scale) : stage.matrix(inner, cols, 3, scale);
  const c = createRows(gpu, "bench product", rows, cols);
  return {
    shape: `${name} ${rows} x ${inner} x ${cols}`,
    cost: matmul.cost(shape),
    commands: matmul.record(gpu, { a, b, c, transA, transB }),
    output: onlyShard(c),
    check: (floats) => {
      let wanted = 0;
      for (let k = 0; k < inner; k++) {
        const left = valueAt(1, transA ? k * rows : k);
        wanted += left * valueAt(3, transB ? inner + k : k * cols + 1) * scale;
      }
      const error = Math.abs(floats[1] - wanted);
      return error < 1e-3 ? undefined : `element 1 is ${floats[1]}, not ${wanted}`;
    },
  };
}

/** The bench. */
export const bench: KernelBench = {
  stem: "matmul",
  cases: (stage) =>
    (stage.full ? [DEMO, WIDE] : [DEMO]).flatMap(({ rows, d, latents }) => [
      one(stage, "NT", [rows, d, d], { transB: true }),
      one(stage, "TN", [d, d, rows], { transA: true }),
      one(stage, "TN", [d, d, latents], { transA: true }),
      one(stage, "NN", [latents, d, d], {}),
    ]),
};
