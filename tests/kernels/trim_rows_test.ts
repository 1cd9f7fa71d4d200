import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import type { Command } from "../../lib/gpu/program.ts";
import type { CapacityPlan } from "../../lib/kernels/capacity.ts";
import { emitPanel } from "../../lib/kernels/emit_panel.ts";
import { trimRows } from "../../lib/kernels/trim_rows.ts";
import { emitPanel as emitReference } from "../../lib/reference/emit_panel.ts";
import { trimRows as reference } from "../../lib/reference/trim_rows.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { entriesOf, filledLists, readEntries, rowLists } from "./row_lists.ts";
import { code, matrix } from "./samples.ts";

const stream = new RandomStream(12, "trim");

/** A code whose values are drawn from a few, 0 among them. */
function tied(rows: number, latents: number, k: number, values: number[]): Code {
  return code(rows, latents, k, { seed: rows }).map((row, r) =>
    row.map(({ latent }, i) => ({ latent, value: values[stream.below(values.length, r, i)] }))
  );
}

const lists: { name: string; code: Code; capacity: number; keep: number; slice: number }[] = [
  { name: "one row of one", code: code(1, 4, 1), capacity: 4, keep: 1, slice: 0 },
  { name: "nothing to cut", code: code(70, 90, 8), capacity: 20, keep: 9, slice: 8 },
  { name: "random", code: code(67, 300, 40), capacity: 40, keep: 11, slice: 24 },
  { name: "ties", code: tied(67, 300, 40, [1, 2, 0.5, 1.5]), capacity: 40, keep: 11, slice: 24 },
  { name: "all equal", code: tied(9, 300, 40, [3]), capacity: 40, keep: 17, slice: 20 },
  { name: "all zero", code: tied(9, 300, 40, [0]), capacity: 40, keep: 16, slice: 20 },
  {
    name: "sizes far apart",
    code: code(33, 300, 40).map((row) =>
      row.map((e, i) => ({ ...e, value: Math.fround(e.value * 10 ** (i % 60 - 30)) }))
    ),
    capacity: 40,
    keep: 12,
    slice: 20,
  },
];

const cutCases: KernelCase[] = lists.flatMap(({ name, code, ...plan }) =>
  [false, true].map((last) => ({
    name: `${name}${last ? ", at the end" : ""}`,
    build(bench) {
      const floors = code.map((_, r) => r % 2 ? 0.25 : -1);
      const held = filledLists(bench, code, plan, floors);
      return {
        commands: [trimRows.record(bench.gpu, held, { first: !last, last })],
        verify() {
          const most = last ? plan.keep : plan.capacity - plan.slice;
          const wanted = reference(code, plan.keep).map((cut, r) =>
            code[r].length > most ? cut : code[r]
          );
          assert.deepEqual(readEntries(bench, held.code), entriesOf(wanted));
          const got = bench.floatsOf(held.floors);
          wanted.forEach((cut, r) => {
            const floor = code[r].length > most
              ? Math.min(...cut.map((e) => e.value))
              : last
              ? floors[r]
              : -1;
            assert.equal(got[r], floor, `floor of row ${r}`);
          });
        },
      };
    },
  } satisfies KernelCase))
);

/** Panels appended and cut in turn. */
const streams: { name: string; scores: Matrix; panel: number; plan: CapacityPlan }[] = [
  {
    name: "falling, rising and random scores",
    // Every fourth row has less than it may keep.
    scores: matrix(40, 600).map((row, r) =>
      [row, row.map((_, l) => l + 1), row.map((_, l) => 600 - l), row.map((v) => v - 2)][r % 4]
    ),
    panel: 128,
    plan: { capacity: 80, keep: 31, slice: 36 },
  },
  {
    name: "ties across slices",
    scores: matrix(40, 400).map((row) => row.map((v) => Math.round(v * 2) / 2)),
    panel: 64,
    plan: { capacity: 64, keep: 30, slice: 32 },
  },
  {
    name: "a slice of four",
    scores: matrix(5, 130, { seed: 3 }),
    panel: 64,
    plan: { capacity: 8, keep: 3, slice: 4 },
  },
];

const streamCases: KernelCase[] = streams.map(({ name, scores, panel, plan }) => ({
  name,
  build(bench) {
    const rows = scores.length;
    const latents = scores[0].length;
    const held = rowLists(bench, rows, plan);
    const count = bench.words("count", [latents]);
    const scalars = bench.state("scalars", new Uint32Array(Float32Array.of(9, 1000).buffer));
    const commands: Command[] = [];
    for (let first = 0; first < latents; first += panel) {
      const part = new Float32Array(rows * panel).fill(1e30);
      scores.forEach((row, r) => part.set(row.subarray(first, first + panel), r * panel));
      const buffer = bench.floats(`panel at ${first}`, part);
      const width = Math.min(panel, latents - first);
      for (let from = 0; from < width; from += plan.slice) {
        commands.push(
          emitPanel.record(bench.gpu, {
            lists: held,
            scores: buffer,
            panel,
            firstLatent: first,
            from,
            latents: Math.min(plan.slice, width - from),
            count,
          }),
          trimRows.record(bench.gpu, held, {
            first: first + from === 0,
            last: first + panel >= latents && from + plan.slice >= width,
          }),
        );
      }
    }
    commands.push(
      trimRows.recordCount(bench.gpu, held, { scalars, word: 0 }),
      trimRows.recordCount(bench.gpu, held, { scalars, word: 1, add: true }),
    );
    return {
      commands,
      verify() {
        const all = emitReference(scores);
        assert.deepEqual(
          readEntries(bench, held.code),
          entriesOf(reference(all, plan.keep)),
        );
        const cut = all.filter((row) => row.length > plan.keep).length;
        assert.ok(cut > 0);
        assert.deepEqual([...bench.floatsOf(scalars).slice(0, 2)], [cut, 1000 + cut]);
      },
    };
  },
}));

Deno.test("trimRows cuts what is too long to its largest values, ties to the lowest latent", () =>
  checkKernel(cutCases));

Deno.test("appending and cutting in turn keeps the largest of all, and counts the rows", () =>
  checkKernel(streamCases));
