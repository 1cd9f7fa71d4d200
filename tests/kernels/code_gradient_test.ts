import { codeGradient } from "../../lib/kernels/code_gradient.ts";
import { codeGradient as reference } from "../../lib/reference/code_gradient.ts";
import { prefixIndex } from "../../lib/reference/decode_prefixes.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { GATHERING } from "./device.ts";
import { boundsFor, prefixTable } from "./prefixes.ts";
import { awkwardCodes, longCode, matrix, sizes } from "./samples.ts";

const WORD = 5;

const cases: KernelCase[] = [...awkwardCodes(), longCode()].map((
  { name, latents, k, code },
  i,
) => ({
  name: `${name}, d ${[2, 64, 19, 8, 33, 4, 1][i % 7]}`,
  build(bench) {
    const d = [2, 64, 19, 8, 33, 4, 1][i % 7];
    const w = matrix(latents, d, { seed: i });
    const residual = matrix(code.length, d, { seed: 30 + i, wide: i === 4 });
    const scale = Math.fround(-0.37);
    const scalars = new Float32Array(16);
    scalars[WORD] = scale;
    const rows = bench.code(code, k);
    return {
      commands: codeGradient.record(bench.gpu, {
        code: rows,
        w: bench.rows("w", w),
        residual: bench.sheet("residual", residual).buffer,
        scalars: bench.floats("scalars", scalars),
        scaleWord: WORD,
      }),
      verify() {
        const dz = bench.floatsOf(rows.dz);
        const wanted = reference(code, w, residual, scale);
        const most = reference(code, sizes(w), sizes(residual), -scale);
        wanted.forEach((row, r) => {
          const got = dz.subarray(r * rows.capacity, r * rows.capacity + row.length);
          assertClose(got, row, most[r].map((v) => v * sumError(d)), `dz of row ${r}, entry`);
          const rest = dz.subarray(r * rows.capacity + row.length, (r + 1) * rows.capacity);
          if (!rest.every(Number.isNaN)) throw new Error(`row ${r} wrote beyond its entries`);
        });
      },
    };
  },
}));

Deno.test("codeGradient is the residual along the latent's decoder row", () =>
  checkKernel(cases, GATHERING));

const prefixCases: KernelCase[] = awkwardCodes().map(({ name, latents, k, code }, i) => ({
  name: `${name}, prefixes ${boundsFor(i, latents)}`,
  build(bench) {
    const bounds = boundsFor(i, latents);
    const d = [3, 4, 64, 7, 61, 62, 5][i % 7];
    const w = matrix(latents, d, { seed: i });
    const blocks = bounds.map((_, g) => matrix(code.length, d, { seed: 50 + 10 * i + g }));
    const rows = bench.code(code, k);
    return {
      commands: codeGradient.record(bench.gpu, {
        code: rows,
        w: bench.rows("w", w),
        residual: bench.sheet("residual", blocks.flat()).buffer,
        table: prefixTable(bench, bounds),
        scalars: bench.floats("scalars", new Float32Array(16).fill(2)),
        scaleWord: WORD,
      }),
      verify() {
        const dz = bench.floatsOf(rows.dz);
        const each = blocks.map((block) => reference(code, w, block, 2));
        const most = blocks.map((block) => reference(code, sizes(w), sizes(block), 2));
        code.forEach((entries, r) => {
          const own = entries.map(({ latent }) => prefixIndex(latent, bounds));
          assertClose(
            dz.subarray(r * rows.capacity, r * rows.capacity + entries.length),
            own.map((g, e) => each[g][r][e]),
            own.map((g, e) => most[g][r][e] * sumError(d)),
            `dz of row ${r}, entry`,
          );
        });
      },
    };
  },
}));

Deno.test("codeGradient takes the residual of the first prefix that has the latent", () =>
  checkKernel(prefixCases, GATHERING));
