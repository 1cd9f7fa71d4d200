import assert from "assert";
import { frequencies, ropeRows, type Rotary } from "../../lib/kernels/rope_rows.ts";
import {
  ropeRows as reference,
  ropeRowsBackward,
  rotaryAngles,
  type Turning,
} from "../../lib/reference/rope_rows.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { whole } from "./device.ts";
import { matrix } from "./samples.ts";

interface Shape {
  name: string;
  rows: number;
  length: number;
  heads: number;
  width: number;
  rotary: Rotary;
}

const rotary = (dim: number, adjacentPairs: boolean, copies = 1): Rotary => ({
  dim,
  base: 100,
  adjacentPairs,
  copies,
});

const SHAPES: Shape[] = [
  { name: "one pair", rows: 1, length: 1, heads: 1, width: 2, rotary: rotary(2, true) },
  { name: "pairs side by side", rows: 21, length: 7, heads: 3, width: 8, rotary: rotary(8, true) },
  { name: "halves", rows: 22, length: 11, heads: 2, width: 12, rotary: rotary(12, false) },
  { name: "fours in halves", rows: 22, length: 11, heads: 3, width: 16, rotary: rotary(16, false) },
  { name: "part in fours", rows: 9, length: 9, heads: 2, width: 20, rotary: rotary(8, false) },
  { name: "part, side by side", rows: 9, length: 9, heads: 2, width: 12, rotary: rotary(8, true) },
  { name: "part of a head", rows: 10, length: 5, heads: 2, width: 8, rotary: rotary(4, false) },
  { name: "copies", rows: 9, length: 3, heads: 2, width: 4, rotary: rotary(6, true, 2) },
  { name: "copies in halves", rows: 8, length: 8, heads: 1, width: 4, rotary: rotary(8, false, 3) },
];

function turningOf(r: Rotary): Turning {
  return { ...r, angles: Array.from({ length: r.dim / 2 }, (_, i) => r.base ** (-2 * i / r.dim)) };
}

/** The table of cosines and sines, by their definition. */
function turnsOf(r: Rotary, length: number): number[] {
  return Array.from(
    { length },
    (_, position) =>
      turningOf(r).angles.flatMap((a) => [Math.cos(position * a), Math.sin(position * a)]),
  ).flat();
}

function cases(inverse: boolean): KernelCase[] {
  return SHAPES.map(({ name, rows, length, heads, width, rotary: r }, seed) => ({
    name,
    build(bench) {
      const wide = width * r.copies;
      // Rows of the device are longer than the heads need.
      const stride = Math.ceil(heads * width / 4) * 4 + 4;
      const wideStride = Math.ceil(heads * wide / 4) * 4 + 8;
      const x = matrix(rows, inverse ? wideStride : stride, { seed });
      const out = bench.output("out", rows * (inverse ? stride : wideStride));
      const each = inverse ? width : wide;
      return {
        commands: [ropeRows.record(bench.gpu, {
          rows,
          length,
          heads,
          width,
          rotary: r,
          turns: bench.floats("turns", turnsOf(r, length)),
          x: bench.floats("x", x.flatMap((row) => [...row])),
          out,
          stride,
          wideStride,
          inverse,
        })],
        verify() {
          const floats = bench.floatsOf(out);
          const outStride = inverse ? stride : wideStride;
          const inEach = inverse ? wide : width;
          const turn = inverse ? ropeRowsBackward : reference;
          const got: Float64Array[] = [], wanted: Float64Array[] = [], bounds: Float64Array[] = [];
          x.forEach((row, t) => {
            for (let head = 0; head < heads; head++) {
              const given = row.slice(head * inEach, (head + 1) * inEach);
              const at = t * outStride + head * each;
              got.push(Float64Array.from(floats.subarray(at, at + each)));
              wanted.push(turn(given, t % length, turningOf(r)));
              const most = r.copies * 2 * Math.max(...given.map(Math.abs));
              bounds.push(new Float64Array(each).fill(4 * EPS * most));
            }
          });
          assertCloseRows(got, wanted, bounds, "turned head");
        },
      };
    },
  }));
}

Deno.test("ropeRows repeats and turns the heads of every row", () =>
  checkKernel(cases(false), [whole]));

Deno.test("ropeRows goes back to the heads", () => checkKernel(cases(true), [whole]));

Deno.test("frequencies() are powers of the base, or slowed down by parts as in Llama 3.1", () => {
  const plain = frequencies({ dim: 8, base: 10000, adjacentPairs: false, copies: 1 });
  assert.deepEqual([...plain], [1, 10000 ** -0.25, 10000 ** -0.5, 10000 ** -0.75]);
  const ntk = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, oldContext: 8192 };
  const slow = frequencies({ dim: 16, base: 500000, adjacentPairs: false, copies: 1, ntk });
  // transformers 4.57.6, rope_type "llama3", head_dim 16, in float32.
  const wanted = [
    1,
    0.193922758,
    0.0376060307,
    0.00729266508,
    0.000524846022,
    3.42810235e-5,
    6.64786967e-6,
    1.28917316e-6,
  ];
  const other = rotaryAngles({ dim: 16, base: 500000, ntk });
  slow.forEach((f, i) => assert.ok(Math.abs(f / other[i] - 1) < 1e-12, `reference of pair ${i}`));
  slow.forEach((f, i) => assert.ok(Math.abs(f / wanted[i] - 1) < 1e-6, `pair ${i}: ${f}`));
});
