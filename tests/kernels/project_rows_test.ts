import assert from "assert";
import { createRows, destroyRows } from "../../lib/gpu/rows.ts";
import { projectRows } from "../../lib/kernels/project_rows.ts";
import { latentSquares, projectRows as reference } from "../../lib/reference/project_rows.ts";
import { dot } from "../../lib/reference/types.ts";
import {
  assertClose,
  assertCloseRows,
  checkKernel,
  EPS,
  type KernelCase,
  sumError,
} from "./check_kernel.ts";
import { split, whole } from "./device.ts";
import { matrix, vector } from "./samples.ts";

function cases(project: boolean): KernelCase[] {
  const shapes = [[1, 1, 1], [67, 5, 5], [150, 64, 64], [65, 33, 35], [7, 4, 9]];
  return shapes.map(([latents, d, dIn], i) => ({
    name: `${latents} latents, d ${d} and ${dIn}`,
    build(bench) {
      const w = matrix(latents, d, { seed: i, scale: i === 3 ? 100 : 1 });
      if (latents > 5) w[5].fill(0);
      const grad = matrix(latents, d, { seed: 10 + i });
      // Almost parallel: what is left is the rounding of what was taken.
      if (latents > 6) grad[6].set(w[6]);
      const other = matrix(latents, dIn, { seed: 20 + i });
      const gradBias = vector(latents, { seed: 30 + i });
      const gradOnDevice = bench.stateRows("grad", grad);
      const squares = bench.output("squares", latents);
      return {
        commands: projectRows.record(bench.gpu, {
          w: bench.rows("w", w),
          grad: gradOnDevice,
          other: bench.rows("other", other),
          gradBias: bench.floats("grad bias", gradBias),
          squares,
          project,
        }),
        verify() {
          const wanted = project ? reference(w, grad) : grad;
          const bounds = grad.map((g, l) => {
            const square = dot(w[l], w[l]);
            const products = dot(w[l].map(Math.abs), g.map(Math.abs));
            const factor = square > 0 ? products / square : 0;
            return g.map((v, c) =>
              project ? 2 * sumError(d) * factor * Math.abs(w[l][c]) + EPS * Math.abs(v) : 0
            );
          });
          assertCloseRows(bench.matrixOf(gradOnDevice), wanted, bounds, "projected gradient");
          const sums = latentSquares(wanted, other, gradBias);
          const sumBounds = sums.map((v, l) => {
            const sizes = wanted[l].map((g, c) => 2 * Math.abs(g) + bounds[l][c]);
            return sumError(d + dIn) * v + dot(sizes, bounds[l]);
          });
          assertClose(bench.floatsOf(squares), sums, sumBounds, "squares of latent");
        },
      };
    },
  }));
}

Deno.test("projectRows takes what is parallel to the decoder row", () => checkKernel(cases(true)));

Deno.test("projectRows only squares where told so", () => checkKernel(cases(false)));

Deno.test("projectRows refuses matrices that are split differently", async () => {
  const gpu = await split();
  const wide = createRows(gpu, "wide", 150, 64);
  const narrow = createRows(await whole(), "narrow", 150, 64);
  const buffer = wide.shards[0].buffer;
  const args = { w: wide, grad: wide, other: narrow, gradBias: buffer, squares: buffer };
  assert.throws(() => projectRows.record(gpu, { ...args, project: true }), /split unlike/);
  destroyRows(gpu, wide);
  destroyRows(await whole(), narrow);
});
