import { roundUp } from "../../lib/tensor/shards.ts";
import { decodeGroups } from "../../lib/kernels/decode_groups.ts";
import { decodeGroups as reference } from "../../lib/reference/decode_groups.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertCloseRows, checkKernel, type KernelCase, scaled, sumError } from "./check_kernel.ts";
import { GATHERING } from "./device.ts";
import { awkwardCodes, matrix, numbersFor, sizes } from "./samples.ts";

/** Every awkward code, in groups of a size that does not fit buffers, of all or of some of the groups. */
function cases(add: boolean): KernelCase[] {
  const widths = [1, 3, 4, 7, 20, 37, 64];
  const groupCounts = [1, 5, 1, 7, 3, 26, 3];
  return awkwardCodes().map(({ name, latents, k, code }, i) => ({
    name: `${name}, ${groupCounts[i]} groups`,
    build(bench) {
      const d = widths[i];
      const stride = roundUp(d, 4);
      const all = groupCounts[i];
      const size = latents / all;
      const firstGroup = all > 4 ? 2 : 0;
      const groups = all > 4 ? all - 3 : all;
      const w = matrix(latents, d, { seed: i });
      const dz = numbersFor(code, 30 + i);
      const blockRows = code.length + 3;
      const before: Matrix = matrix(groups * blockRows, d, { seed: 90 + i });
      const start = new Float64Array(groups * blockRows * stride);
      if (add) before.forEach((row, r) => start.set(row, r * stride));
      const out = bench.state("out", bitsOf(start));
      return {
        commands: decodeGroups.record(bench.gpu, {
          code: bench.code(code, k, dz),
          w: bench.rows("w", w),
          size,
          firstGroup,
          groups,
          out,
          blockRows,
          add,
        }),
        verify() {
          const floats = bench.floatsOf(out);
          const wanted = reference(code, dz, w, size, all);
          const most = reference(code, dz.map((row) => row.map(Math.abs)), sizes(w), size, all);
          for (let g = 0; g < groups; g++) {
            const old = (r: number, c: number) => add ? before[g * blockRows + r][c] : 0;
            const got = code.map((_, r) => {
              const at = (g * blockRows + r) * stride;
              return Float64Array.from(floats.subarray(at, at + d));
            });
            const plus = (m: Matrix, sign: (v: number) => number) =>
              m.map((row, r) => row.map((v, c) => v + sign(old(r, c))));
            assertCloseRows(
              got,
              plus(wanted[g + firstGroup], (v) => v),
              scaled(plus(most[g + firstGroup], Math.abs), sumError(k)),
              `group ${g}`,
            );
          }
        },
      };
    },
  }));
}

Deno.test("decodeGroups sums the rows of every group's entries by their derivatives", () =>
  checkKernel(cases(false), GATHERING));

Deno.test("decodeGroups adds to what is there", () => checkKernel(cases(true), GATHERING));
