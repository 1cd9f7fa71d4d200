import { pursuitBack } from "../../lib/kernels/pursuit_back.ts";
import { pursuitBack as reference } from "../../lib/reference/pursuit_back.ts";
import { type PickLists, pursuitFinish } from "../../lib/reference/pursuit_finish.ts";
import { dot, type Matrix, zeros } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import {
  assertClose,
  assertCloseRows,
  checkKernel,
  type KernelCase,
  sumError,
} from "./check_kernel.ts";
import { asHardware, split, whole, withoutSubgroups } from "./device.ts";
import { awkwardPicks, heldPicks } from "./pursuit_samples.ts";
import { matrix } from "./samples.ts";

const WORD = 5;
const WIDTHS = [2, 40, 19, 8, 33, 4, 1];

/** Unit rows: what is taken off in a walk does not grow. */
function unitRows(rows: number, d: number, seed: number): Matrix {
  return matrix(rows, d, { seed }).map((row) => {
    const norm = Math.sqrt(dot(row, row));
    return row.map((v) => Math.fround(v / norm));
  });
}

/** What the picks of a latent give together, by home. */
function atHomes(picks: PickLists, shares: readonly (readonly Float64Array[])[], d: number) {
  const { homes } = pursuitFinish(picks);
  return picks.map((row, r) => {
    const sums = zeros(row.length, d);
    row.forEach((_, t) => shares[r][t].forEach((v, i) => sums[homes[r][t]][i] += v));
    return sums;
  });
}

function caseOf(
  { name, latents, iterations, picks }: ReturnType<typeof awkwardPicks>[number],
  index: number,
  direct: boolean,
  firstRow = 0,
): KernelCase {
  const d = WIDTHS[index];
  return {
    name: `${name}, d ${d}${direct ? "" : ", gathered"}${firstRow ? ", second chunk" : ""}`,
    build(bench) {
      const rows = picks.length - firstRow;
      const capacity = roundUp(iterations, 4);
      const stride = roundUp(d, 4);
      const w = unitRows(latents, d, index);
      const left = matrix(picks.length, d, { seed: 40 + index });
      const scale = Math.fround(-0.37);
      const scalars = new Float32Array(16);
      scalars[WORD] = scale;
      const held = heldPicks(bench, picks, iterations, { lists: "read", order: "read" });
      const sharing = new Float32Array(rows * capacity * stride).fill(NaN);
      if (!direct) {
        picks.slice(firstRow).forEach((row, r) =>
          row.forEach((p, t) => {
            const at = (r * capacity + t) * stride;
            sharing.fill(0, at, at + stride).set(w[p.latent], at);
          })
        );
      }
      const shares = bench.state("shares", bitsOf(sharing));
      const before = bench.outputSheet("before", picks.length, d);
      const back = bench.outputSheet("back", picks.length, d);
      const residual = bench.sheet("residual", left);
      const shard = { buffer: residual.buffer, firstRow: 0, rows: picks.length };
      return {
        commands: [pursuitBack.record(bench.gpu, {
          picks: held,
          w: direct ? bench.rows("w", w) : undefined,
          residual: { label: "residual", rows: picks.length, cols: d, stride, shards: [shard] },
          scalars: bench.floats("scalars", scalars),
          scaleWord: WORD,
          firstRow,
          rows,
          before: before.buffer,
          back: back.buffer,
          shares,
        })],
        verify() {
          const wanted = reference(picks, left, w, scale);
          const sums = atHomes(picks, wanted.shares, d);
          const { homes } = pursuitFinish(picks);
          const got = bench.floatsOf(shares);
          const size = (r: number) =>
            picks[r].reduce((sum, p) => sum + Math.abs(p.value), Math.hypot(...left[r])) *
            sumError(d + 2 * iterations);
          picks.forEach((row, r) => {
            if (r < firstRow) return;
            row.forEach((_, t) => {
              if (homes[r][t] !== t) return;
              const at = ((r - firstRow) * capacity + t) * stride;
              const bound = size(r) * Math.hypot(...left[r]) * iterations;
              assertClose(
                got.subarray(at, at + d),
                sums[r][t],
                new Float64Array(d).fill(bound),
                `share ${t} of row ${r}`,
              );
            });
          });
          const bounds = left.map((row, r) => row.map(() => size(r)));
          const rest = (m: readonly Float64Array[]) => m.slice(firstRow);
          const untouched = bench.floatsOf(back.buffer).subarray(0, firstRow * stride);
          if (!untouched.every(Number.isNaN)) throw new Error("rows of another chunk were written");
          const rowsOf = (buffer: GPUBuffer) =>
            left.map((_, r) =>
              Float64Array.from(bench.floatsOf(buffer).subarray(r * stride, r * stride + d))
            );
          assertCloseRows(rest(rowsOf(before.buffer)), rest(wanted.before), rest(bounds), "before");
          assertCloseRows(rest(rowsOf(back.buffer)), rest(wanted.back), rest(bounds), "back");
        },
      };
    },
  };
}

const gathered = awkwardPicks().map((p, i) => caseOf(p, i, false));
const direct = awkwardPicks().map((p, i) => caseOf(p, i, true));
const chunk = [2, 4].map((i) => caseOf(awkwardPicks()[i], i, false, 17));

Deno.test("pursuitBack finds what every pick gives, its rows gathered before", () =>
  checkKernel([...gathered, ...chunk], [whole, split, withoutSubgroups]));

Deno.test("pursuitBack finds the same where the rows are read in place", () =>
  checkKernel(direct, [whole, withoutSubgroups]));

Deno.test("pursuitBack finds the same on hardware", () =>
  checkKernel([...gathered, ...direct], [asHardware]));
