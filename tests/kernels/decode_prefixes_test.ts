import assert from "assert";
import { decodePrefixes } from "../../lib/kernels/decode_prefixes.ts";
import { createPrefixTable } from "../../lib/kernels/prefix_table.ts";
import { decodePrefixes as reference } from "../../lib/reference/decode_prefixes.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import {
  assertClose,
  assertCloseRows,
  checkKernel,
  EPS,
  type KernelCase,
  sumError,
} from "./check_kernel.ts";
import { asHardware, GATHERING, split, whole } from "./device.ts";
import { boundsFor, prefixTable } from "./prefixes.ts";
import { awkwardCodes, code as drawCode, matrix, sizes } from "./samples.ts";

interface Sample {
  name: string;
  latents: number;
  k: number;
  code: ReturnType<typeof drawCode>;
  bounds: readonly number[];
  d: number;
}

const samples: Sample[] = awkwardCodes().map((sample, i) => ({
  ...sample,
  d: [1, 3, 64, 7, 61, 62, 4][i % 7],
  bounds: boundsFor(i, sample.latents),
}));

const many: Sample = {
  name: "as many prefixes as there may be",
  latents: 200,
  k: 40,
  code: drawCode(9, 200, 40),
  bounds: Array.from({ length: 32 }, (_, g) => g === 31 ? 200 : 6 * g + 1),
  d: 6,
};

const weightsOf = (bounds: readonly number[]) =>
  bounds.map((_, g) => Math.fround(g === 1 ? 0 : 0.3 + 0.2 * g));

const caseOf = ({ name, latents, k, code, bounds, d }: Sample, i: number): KernelCase => ({
  name: `${name}, d ${d}, ${bounds.length} prefixes`,
  build(bench) {
    const { gpu } = bench;
    const rows = code.length;
    const prefixes = bounds.length;
    const w = matrix(latents, d, { seed: i, wide: i === 2 });
    const start = matrix(rows, d, { seed: 20 + i });
    const weights = weightsOf(bounds);
    const shape = decodePrefixes.squareShape({ rows, d, prefixes }, gpu.facts);
    const suffix = bench.outputSheet("suffix", prefixes * rows, d);
    const residual = bench.outputSheet("residual", rows, d);
    const squares = bench.output("squares", shape.rows * shape.stride);
    return {
      commands: decodePrefixes.record(gpu, {
        code: bench.code(code, k),
        w: bench.rows("w", w),
        start: bench.sheet("start", start).buffer,
        table: prefixTable(bench, bounds, weights),
        suffix: suffix.buffer,
        residual: residual.buffer,
        squares,
      }),
      verify() {
        const wanted = reference(code, w, start, bounds, weights);
        const minus = sizes(w).map((row) => row.map((v) => -v));
        const most = reference(code, minus, sizes(start), bounds, weights);
        const bound = (m: Matrix, more: number) =>
          m.map((row) => row.map((v) => v * (sumError(k + 1) + more * EPS)));
        const got = bench.matrixOf(suffix);
        bounds.forEach((_, g) =>
          assertCloseRows(
            got.slice(g * rows, (g + 1) * rows),
            wanted.suffixes[g],
            bound(most.suffixes[g], 2 * prefixes),
            `suffix of prefix ${g}`,
          )
        );
        const last = prefixes - 1;
        assertCloseRows(
          bench.matrixOf(residual),
          wanted.rests[last],
          bound(most.rests[last], 0),
          "residual",
        );
        const parts = bench.floatsOf(squares);
        const threads = shape.rows / rows;
        for (let r = 0; r < rows; r++) {
          const sums = bounds.map((_, g) => {
            let sum = 0;
            for (let t = r * threads; t < (r + 1) * threads; t++) {
              sum += parts[t * shape.stride + g];
            }
            return sum;
          });
          assertClose(
            sums,
            wanted.squares[r],
            most.squares[r].map((v) => v * 3 * sumError(k + d)),
            `squares of row ${r}, prefix`,
          );
        }
      },
    };
  },
});

Deno.test("decodePrefixes leaves what each prefix leaves, on any split of the matrix", () =>
  checkKernel(samples.map(caseOf), GATHERING));

Deno.test("decodePrefixes means the same with the columns of hardware", () =>
  checkKernel(samples.slice(2, 5).map(caseOf), [asHardware]));

Deno.test("decodePrefixes takes 32 prefixes", () => checkKernel([caseOf(many, 9)], [whole]));

Deno.test("decodePrefixes keeps its rests in few registers, whatever the device", () => {
  for (const software of [true, false]) {
    for (const d of [4, 192, 768, 4096]) {
      for (let prefixes = 1; prefixes <= 32; prefixes++) {
        const { columns, threads } = decodePrefixes.plan(d, prefixes, { software });
        assert.ok(columns === 1 || columns * prefixes <= 20, `${columns} columns, ${prefixes}`);
        assert.ok(columns * threads * 4 >= d, "every column has a thread");
      }
    }
  }
});

Deno.test("a prefix table has the number of places that it was made with", async () => {
  for (const open of [whole, split]) {
    const gpu = await open();
    const one = { bound: 4, weight: 1 };
    const table = createPrefixTable(gpu, [one, one]);
    assert.throws(() => createPrefixTable(gpu, new Array(33).fill(one)), RangeError);
    assert.equal(table.prefixes, 2);
  }
});
