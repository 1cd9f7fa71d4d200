import assert from "assert";
import { preActDeficit } from "../../lib/kernels/pre_act_deficit.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { encodeGemm } from "../../lib/reference/encode_gemm.ts";
import { preActDeficit as reference } from "../../lib/reference/pre_act_deficit.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";
import { byLatent } from "./by_latent.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, sizes, vector } from "./samples.ts";

const shapes = [
  { rows: 1, d: 1, latents: 1 },
  { rows: 37, d: 7, latents: 131 },
  { rows: 130, d: 64, latents: 200 },
  { rows: 66, d: 12, latents: 5 },
];

/** The pairs above their thresholds, as a gate emits them. */
function active(scores: Matrix, thresholds: Float64Array, norms?: Float64Array): Code {
  return scores.map((row) =>
    Array.from(row, (value, latent) => ({ latent, value }))
      .filter(({ latent, value }) =>
        value > 0 && value * (norms?.[latent] ?? 1) > thresholds[latent]
      )
  );
}

function cases(scaled: boolean, log: boolean): KernelCase[] {
  return shapes.map(({ rows, d, latents }, i) => ({
    name: `${rows} x ${d}, ${latents} latents`,
    build(bench) {
      const x = matrix(rows, d, { seed: i });
      const wEnc = matrix(latents, d, { seed: 10 + i, scale: 1 / Math.sqrt(d) });
      const bEnc = vector(latents, { seed: 20 + i, scale: 0.2 });
      const thresholds = vector(latents, { seed: 30 + i }).map(Math.abs);
      // One latent is never active, one always where its score is positive.
      thresholds[0] = 1e3;
      if (latents > 1) thresholds[1] = 0;
      const norms = scaled
        ? vector(latents, { seed: 40 + i }).map((v) => Math.fround(Math.abs(v) + 0.1))
        : undefined;
      const scores = encodeGemm(x, wEnc, bEnc).map((row) => row.map(Math.fround));
      const deficits = bench.output("deficits", latents * 4);
      return {
        commands: preActDeficit.record(bench.gpu, {
          rows,
          wEnc: bench.rows("wEnc", wEnc),
          inputSum: bench.vector("sum", columnSums(x)),
          bEnc: bench.floats("bEnc", bEnc),
          thresholds: bench.floats("thresholds", thresholds),
          log,
          norms: norms && bench.floats("norms", norms),
          code: byLatent(bench, active(scores, thresholds, norms), latents, latents, [
            "offsets",
            "placed",
          ]),
          deficits,
        }),
        verify() {
          const isActive = (h: number, l: number) => h > 0 && h * (norms?.[l] ?? 1) > thresholds[l];
          const most = encodeGemm(sizes(x), sizes(wEnc), bEnc.map(Math.abs));
          const size = columnSums(most).map((v, l) => v * (norms?.[l] ?? 1) + rows * thresholds[l]);
          const got = bench.floatsOf(deficits);
          const bounds = size.map((v) => v * (2 * sumError(rows) + sumError(d) + 4 * EPS));
          assertClose(
            got.filter((_, j) => j % 4 === 0),
            reference(scores, thresholds, norms),
            bounds,
            "deficit of latent",
          );
          assertClose(
            got.filter((_, j) => j % 4 === 1),
            columnSums(scores.map((row) => row.map((h, l) => isActive(h, l) ? 0 : h))),
            columnSums(most).map((v) => v * (2 * sumError(rows) + sumError(d) + 4 * EPS)),
            "inactive scores of latent",
          );
          const chain = got.filter((_, j) => j % 4 === 2);
          assert.deepEqual([...chain], [...thresholds.map((t) => log ? Math.fround(t) : 1)]);
        },
      };
    },
  }));
}

Deno.test("preActDeficit is the dense sum over all rows", () => checkKernel(cases(false, false)));

Deno.test("preActDeficit of scores times norms, by logarithms", () =>
  checkKernel(cases(true, true)));
