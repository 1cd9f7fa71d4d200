import { normaliseRows } from "../../lib/kernels/normalise_rows.ts";
import { normaliseRows as reference } from "../../lib/reference/normalise_rows.ts";
import {
  assertCloseRows,
  checkKernel,
  EPS,
  type KernelCase,
  scaled,
  sumError,
} from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const shapes = [
  { name: "one number", rows: 1, d: 1, scale: 1, length: 1 },
  { name: "three buffers", rows: 150, d: 61, scale: 1, length: 1 },
  { name: "small rows", rows: 65, d: 7, scale: 1e-15, length: 0.1 },
  { name: "large rows", rows: 3, d: 64, scale: 1e15, length: 2 },
  { name: "a zero row", rows: 67, d: 5, scale: 1, length: 1 },
];

const cases: KernelCase[] = shapes.map(({ name, rows, d, scale, length }, i) => ({
  name,
  build(bench) {
    const w = matrix(rows, d, { seed: i, scale });
    if (name === "a zero row") w[3].fill(0);
    const onDevice = bench.stateRows("w", w);
    return {
      commands: normaliseRows.record(bench.gpu, onDevice, length),
      verify() {
        const wanted = reference(w, Math.fround(length));
        const bounds = scaled(wanted, sumError(d) + 6 * EPS);
        assertCloseRows(bench.matrixOf(onDevice), wanted, bounds, "row");
      },
    };
  },
}));

Deno.test("normaliseRows gives rows a length and leaves zero rows", () => checkKernel(cases));
