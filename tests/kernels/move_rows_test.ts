import assert from "assert";
import type { Rows } from "../../lib/gpu/rows.ts";
import { moveRows, NO_ROW } from "../../lib/kernels/move_rows.ts";
import { moveRows as reference } from "../../lib/reference/move_rows.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import type { Bench } from "./bench.ts";
import { whole } from "./device.ts";
import { matrix } from "./samples.ts";

interface Shape {
  name: string;
  sources: number;
  targets: number;
  d: number;
  list: [number, number][];
  scale?: number;
  norm?: "token" | "layer_norm";
  /** A place of the source that gets this value. */
  spoil?: { row: number; column: number; value: number };
  /** The source as a model gives it: rows without padding. */
  tight?: boolean;
}

const every = (count: number, from: (i: number) => number): [number, number][] =>
  Array.from({ length: count }, (_, i) => [from(i), i]);

const shapes: Shape[] = [
  { name: "one of one", sources: 1, targets: 1, d: 1, list: [[0, 0]] },
  { name: "nothing", sources: 3, targets: 2, d: 5, list: [] },
  {
    name: "from many buffers to many",
    sources: 300,
    targets: 200,
    d: 33,
    list: every(150, (i) => (i * 7) % 300),
    scale: 0.37,
  },
  {
    name: "tight rows, which are not vec4s",
    sources: 70,
    targets: 90,
    d: 7,
    list: every(64, (i) => 69 - i).map(([from, to]) => [from, to + 20]),
    tight: true,
  },
  {
    name: "to the same length",
    sources: 90,
    targets: 70,
    d: 130,
    list: every(70, (i) => i + 11),
    norm: "token",
    scale: 3,
  },
  { name: "a row of zeros", sources: 2, targets: 2, d: 9, list: [[1, 0]], norm: "token" },
  {
    name: "about the mean",
    sources: 66,
    targets: 66,
    d: 65,
    list: every(66, (i) => i),
    norm: "layer_norm",
  },
  {
    name: "one column about its mean",
    sources: 2,
    targets: 2,
    d: 1,
    list: [[0, 1]],
    norm: "layer_norm",
  },
  {
    name: "an infinity",
    sources: 80,
    targets: 80,
    d: 100,
    list: every(80, (i) => 79 - i),
    spoil: { row: 20, column: 99, value: -Infinity },
  },
  {
    name: "NaN in a row that is not moved",
    sources: 5,
    targets: 5,
    d: 4,
    list: [[0, 0], [2, 4]],
    spoil: { row: 1, column: 2, value: NaN },
  },
];

/** A matrix whose rows follow each other without padding, in one buffer. */
function tightRows(bench: Bench, m: Matrix): Rows {
  const cols = m[0].length;
  const buffer = bench.floats("source", m.flatMap((row) => [...row]));
  const shards = [{ firstRow: 0, rows: m.length, buffer }];
  return { label: "source", rows: m.length, cols, stride: cols, shards };
}

const caseOf = (shape: Shape, i: number): KernelCase => ({
  name: shape.name,
  build(bench) {
    const { sources, targets, d, list, scale = 1, norm, spoil, tight } = shape;
    const source = matrix(sources, d, { seed: i, scale: 2 }).map((row) => row.map((v) => v + 1));
    if (shape.name === "a row of zeros") source[1].fill(0);
    source.forEach((row) => row.forEach((v, j) => row[j] = Math.fround(v)));
    if (spoil) source[spoil.row][spoil.column] = spoil.value;
    const target = bench.stateRows("target", matrix(targets, d, { seed: 50 + i }));
    const before = matrix(targets, d, { seed: 50 + i });
    const bad = bench.state("bad", Uint32Array.of(NO_ROW, 0, 0, 0));
    const left = [NO_ROW, 0, 0, NO_ROW, NO_ROW, NO_ROW];
    return {
      commands: moveRows.record(bench.gpu, {
        list: bench.words("list", [...list.flat(), ...left]),
        pairs: list.length + 3,
        source: tight ? tightRows(bench, source) : bench.rows("source", source),
        target,
        scale,
        norm,
        bad,
      }),
      verify() {
        const wanted = reference(list, source, scale, norm);
        const got = bench.matrixOf(target);
        before.forEach((row, r) => {
          const moved = wanted.get(r);
          // Values that nothing is done to keep their bits.
          if (!moved || (scale === 1 && !norm)) {
            return assert.deepEqual([...got[r]], [...moved ?? row], `row ${r}`);
          }
          const largest = Math.max(...moved.map(Math.abs));
          assertClose(got[r], moved, moved.map(() => largest * EPS * (d + 8)), `row ${r}`);
        });
        const spoiled = list.find(([from]) => from === spoil?.row)?.[1];
        assert.equal(bench.wordsOf(bad)[0], spoiled ?? NO_ROW);
      },
    };
  },
});

const cases = shapes.map(caseOf);
// Rows that are wider than a workgroup do not fit the small bindings of the device that splits.
const isWide = (_: unknown, i: number) => shapes[i].d > 64;

Deno.test("moveRows moves the listed rows and no other, and finds what is not finite", async () => {
  await checkKernel(cases.filter((c, i) => !isWide(c, i)));
  await checkKernel(cases.filter(isWide), [whole]);
});
