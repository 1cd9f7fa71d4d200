import { rmsRows } from "../../lib/kernels/rms_rows.ts";
import { rmsRows as reference, rmsRowsBackward } from "../../lib/reference/rms_rows.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertCloseRows, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { whole } from "./device.ts";
import { matrix, vector } from "./samples.ts";

const EPSILON = 1e-3;

const SHAPES = [
  { rows: 1, heads: 1, width: 4, scale: 1 },
  { rows: 37, heads: 3, width: 12, scale: 1 },
  { rows: 5, heads: 16, width: 64, scale: 100 },
  // So small that eps decides.
  { rows: 70, heads: 2, width: 8, scale: 1e-4 },
];

/** The heads of all rows, one after another. */
function headsOf(m: Matrix, heads: number, width: number): Matrix {
  return m.flatMap((row) =>
    Array.from({ length: heads }, (_, h) => row.slice(h * width, (h + 1) * width))
  );
}

function flat(m: Matrix): number[] {
  return m.flatMap((row) => [...row]);
}

function cases(backward: boolean): KernelCase[] {
  return SHAPES.map(({ rows, heads, width, scale }, seed) => ({
    name: `${rows} rows, ${heads} x ${width}`,
    build(bench) {
      const stride = heads * width + 4;
      const x = matrix(rows, stride, { seed, scale });
      const g = matrix(rows, stride, { seed: seed + 10 });
      const w = vector(heads * width, { seed: seed + 20 });
      const y = bench.state("y", backward ? bitsOf(flat(g)) : new Uint32Array(rows * stride));
      const parts = bench.state("parts", new Uint32Array(rows * stride));
      const floats = (buffer: GPUBuffer): Matrix => {
        const all = bench.floatsOf(buffer);
        return x.map((_, r) => Float64Array.from(all.subarray(r * stride, (r + 1) * stride)));
      };
      return {
        commands: [rmsRows.record(bench.gpu, {
          rows,
          heads,
          width,
          stride,
          eps: EPSILON,
          x: bench.floats("x", flat(x)),
          w: bench.floats("w", w),
          y,
          parts,
          backward,
        })],
        verify() {
          const gain = (i: number) => w.slice(i % heads * width, (i % heads + 1) * width);
          const grads = headsOf(g, heads, width);
          const given = headsOf(x, heads, width);
          const wanted = given.map((head, i) =>
            backward
              ? rmsRowsBackward(head, gain(i), grads[i], EPSILON)
              : { x: reference(head, gain(i), EPSILON), w: head.map(() => 0) }
          );
          // Differences of sums of this size are what is left over.
          const bounds = wanted.map(({ x: values }, i) => {
            const most = grads[i].reduce((sum, v, j) => sum + Math.abs(v * gain(i)[j]), 0);
            const square = given[i].reduce((sum, v) => sum + v * v, 0) / width + EPSILON;
            const size = backward ? most / Math.sqrt(square) : 0;
            return values.map((v) => sumError(width) * (Math.abs(v) + size));
          });
          assertCloseRows(
            headsOf(floats(y), heads, width),
            wanted.map((v) => v.x),
            bounds,
            "head",
          );
          assertCloseRows(
            headsOf(floats(parts), heads, width),
            wanted.map((v) => v.w),
            wanted.map((v) => v.w.map((part) => Math.abs(part) * sumError(width))),
            "parts of head",
          );
        },
      };
    },
  }));
}

Deno.test("rmsRows normalises every head of every row", () => checkKernel(cases(false), [whole]));

Deno.test("rmsRows goes back to heads and gain", () => checkKernel(cases(true), [whole]));
