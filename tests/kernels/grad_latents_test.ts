import { gradLatents } from "../../lib/kernels/grad_latents.ts";
import { gradLatents as reference } from "../../lib/reference/grad_latents.ts";
import { prefixIndex } from "../../lib/reference/decode_prefixes.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { byLatent } from "./by_latent.ts";
import {
  assertClose,
  assertCloseRows,
  checkKernel,
  EPS,
  type KernelCase,
  sumError,
} from "./check_kernel.ts";
import { GATHERING } from "./device.ts";
import { boundsFor, prefixTable } from "./prefixes.ts";
import { awkwardCodes, matrix, numbersFor, sizes, vector } from "./samples.ts";

const WORD = 1;
const FACTOR = Math.fround(-1.7);

function cases(weight: "value" | "dz", add: boolean): KernelCase[] {
  const widths = [64, 3, 7, 20, 9, 37, 4];
  return awkwardCodes().map(({ name, latents, k, code }, i) => ({
    name: `${name}, d ${widths[i % 7]}`,
    build(bench) {
      const d = widths[i % 7];
      const rows = matrix(code.length, d, { seed: 10 + i });
      const dz = numbersFor(code);
      const before = matrix(latents, d, { seed: 20 + i });
      const biasBefore = vector(latents, { seed: 40 + i });
      const scalars = new Float32Array(16);
      scalars[WORD] = FACTOR;
      const grad = add ? bench.stateRows("grad", before) : bench.outputRows("grad", latents, d);
      // With values nothing is written there: the checker wants it as it was.
      const gradBias = weight === "value"
        ? bench.floats("grad bias", biasBefore)
        : bench.state("grad bias", bitsOf(add ? biasBefore : biasBefore.map(() => NaN)));
      return {
        commands: gradLatents.record(bench.gpu, {
          code: byLatent(bench, code, latents, k, ["offsets", "placed"], dz),
          weight,
          rows: bench.sheet("rows", rows).buffer,
          grad,
          gradBias,
          scalars: bench.floats("scalars", scalars),
          scaleWord: WORD,
          add,
        }),
        verify() {
          const weights = weight === "dz" ? dz : code.map((row) => row.map((e) => e.value));
          const factor = weight === "dz" ? 1 : FACTOR;
          const sums = reference(code, weights, rows, latents);
          const most = reference(code, weights.map((r) => r.map(Math.abs)), sizes(rows), latents);
          const old = (l: number, c: number) => add ? before[l][c] : 0;
          const each = (f: (l: number, c: number) => number): Matrix =>
            before.map((row, l) => row.map((_, c) => f(l, c)));
          assertCloseRows(
            bench.matrixOf(grad),
            each((l, c) => old(l, c) + factor * sums.grad[l][c]),
            each((l, c) =>
              sumError(code.length) * Math.abs(factor) * most.grad[l][c] +
              EPS * Math.abs(old(l, c))
            ),
            "grad",
          );
          if (weight === "value") return;
          const oldBias = (l: number) => add ? biasBefore[l] : 0;
          assertClose(
            bench.floatsOf(gradBias),
            sums.gradBias.map((v, l) => v + oldBias(l)),
            most.gradBias.map((v, l) => sumError(code.length) * v + EPS * Math.abs(oldBias(l))),
            "grad bias",
          );
        },
      };
    },
  }));
}

Deno.test("gradLatents weighs residuals by values", () =>
  checkKernel(cases("value", false), GATHERING));

Deno.test("gradLatents weighs inputs by dz and sums dz", () =>
  checkKernel(cases("dz", false), GATHERING));

Deno.test("gradLatents adds to a gradient by values", () =>
  checkKernel(cases("value", true), GATHERING));

Deno.test("gradLatents adds to a gradient by dz", () => checkKernel(cases("dz", true), GATHERING));

const prefixCases: KernelCase[] = awkwardCodes().map(({ name, latents, k, code }, i) => ({
  name: `${name}, prefixes ${boundsFor(i, latents)}`,
  build(bench) {
    const bounds = boundsFor(i, latents);
    const d = [3, 4, 64, 7, 61, 62, 5][i % 7];
    const blocks = bounds.map((_, g) => matrix(code.length, d, { seed: 50 + 10 * i + g }));
    const grad = bench.outputRows("grad", latents, d);
    const zero = code.map((row) => row.map(() => 0));
    return {
      commands: gradLatents.record(bench.gpu, {
        code: byLatent(bench, code, latents, k, ["offsets", "placed"], zero),
        weight: "value",
        rows: bench.sheet("rows", blocks.flat()).buffer,
        table: prefixTable(bench, bounds),
        rowsOfPrefix: code.length,
        grad,
        scalars: bench.floats("scalars", new Float32Array(16).fill(2)),
        scaleWord: WORD,
      }),
      verify() {
        const values = code.map((row) => row.map((e) => 2 * e.value));
        const each = blocks.map((block) => reference(code, values, block, latents).grad);
        const most = blocks.map((block) => reference(code, values, sizes(block), latents).grad);
        const own = (from: readonly Matrix[]): Matrix =>
          from[0].map((_, l) => from[prefixIndex(l, bounds)][l]);
        assertCloseRows(
          bench.matrixOf(grad),
          own(each),
          own(most).map((row) => row.map((v) => v * sumError(code.length))),
          "grad",
        );
      },
    };
  },
}));

Deno.test("gradLatents takes the rows of the first prefix that has the latent", () =>
  checkKernel(prefixCases, GATHERING));

/** Three ranges, of which the middle one is left as it was. */
const rangeCases: KernelCase[] = awkwardCodes().slice(2, 6).map((
  { name, latents, k, code },
  i,
) => ({
  name: `${name}, ranges`,
  build(bench) {
    const d = [5, 64, 20, 9][i];
    const rows = matrix(code.length, d, { seed: 70 + i });
    const dz = numbersFor(code);
    const before = matrix(latents, d, { seed: 80 + i });
    const grad = bench.stateRows("grad", before);
    const biasBefore = vector(latents, { seed: 90 + i });
    const gradBias = bench.state("grad bias", bitsOf(biasBefore));
    const [a, b] = [Math.floor(latents / 3), Math.floor(latents / 2)];
    const placed = byLatent(bench, code, latents, k, ["offsets", "placed"], dz);
    const given = bench.sheet("rows", rows).buffer;
    const scalars = bench.floats("scalars", new Float32Array(16));
    const part = (first: number, count: number) =>
      gradLatents.record(bench.gpu, {
        code: placed,
        weight: "dz",
        rows: given,
        grad,
        only: { first, count },
        gradBias,
        scalars,
        scaleWord: WORD,
      });
    return {
      commands: [...part(0, a), ...part(b, latents - b)],
      verify() {
        const sums = reference(code, dz, rows, latents);
        const most = reference(code, dz.map((r) => r.map(Math.abs)), sizes(rows), latents);
        const done = (l: number) => l < a || l >= b;
        const error = sumError(code.length);
        assertCloseRows(
          bench.matrixOf(grad),
          before.map((row, l) => done(l) ? sums.grad[l] : row),
          most.grad.map((row, l) => row.map((v) => done(l) ? v * error : 0)),
          "grad",
        );
        assertClose(
          bench.floatsOf(gradBias),
          biasBefore.map((v, l) => done(l) ? sums.gradBias[l] : v),
          most.gradBias.map((v, l) => done(l) ? v * error : 0),
          "grad bias",
        );
      },
    };
  },
}));

Deno.test("gradLatents writes the latents that are asked for only", () =>
  checkKernel(rangeCases, GATHERING));
