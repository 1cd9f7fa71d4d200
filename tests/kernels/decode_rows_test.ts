import { decodeRows } from "../../lib/kernels/decode_rows.ts";
import { decodeRows as reference } from "../../lib/reference/decode_rows.ts";
import { assertCloseRows, checkKernel, type KernelCase, scaled, sumError } from "./check_kernel.ts";
import { GATHERING } from "./device.ts";
import { awkwardCodes, code as drawCode, matrix, sizes, vector } from "./samples.ts";

function cases(withBias: boolean): KernelCase[] {
  const widths = [1, 3, 4, 7, 20, 37, 64];
  return awkwardCodes().map(({ name, latents, k, code }, i) => ({
    name: `${name}, d ${widths[i]}`,
    build(bench) {
      const d = widths[i];
      const w = matrix(latents, d, { seed: i, wide: i === 2 });
      const bias = withBias ? vector(d, { seed: 100 + i }) : undefined;
      const recon = bench.outputSheet("recon", code.length, d);
      return {
        commands: decodeRows.record(bench.gpu, {
          code: bench.code(code, k),
          w: bench.rows("w", w),
          whole: true,
          bias: bias && bench.vector("bias", bias),
          recon: recon.buffer,
        }),
        verify() {
          const most = reference(code, sizes(w), bias?.map(Math.abs));
          const wanted = reference(code, w, bias);
          assertCloseRows(bench.matrixOf(recon), wanted, scaled(most, sumError(k)), "recon");
        },
      };
    },
  }));
}

Deno.test("decodeRows sums the decoder rows of every entry", () =>
  checkKernel(cases(false), GATHERING));

Deno.test("decodeRows starts at the bias", () => checkKernel(cases(true), GATHERING));

Deno.test("decodeRows leaves out entries without a row", () => {
  const [rows, latents, k, d] = [40, 60, 9, 12];
  const drawn = drawCode(rows, latents, k);
  const below = drawn.map((row) => row.filter((e) => e.latent < latents / 2));
  const w = matrix(latents / 2, d, { seed: 1 });
  return checkKernel([{
    name: "the upper half of the latents has no rows",
    build(bench) {
      const recon = bench.outputSheet("recon", rows, d);
      return {
        commands: decodeRows.record(bench.gpu, {
          ...{ code: bench.code(drawn, k), w: bench.rows("w", w), recon: recon.buffer },
        }),
        verify() {
          const most = reference(below, sizes(w));
          const wanted = reference(below, w);
          assertCloseRows(bench.matrixOf(recon), wanted, scaled(most, sumError(k)), "recon");
        },
      };
    },
  }], GATHERING);
});
