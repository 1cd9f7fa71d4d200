/**
 * Lists of rows for tests of the kernels that append to them and cut them.
 * @module
 */
import type { CapacityPlan, RowLists } from "../../lib/kernels/capacity.ts";
import type { Code } from "../../lib/reference/types.ts";
import { type Bench, bitsOf } from "./bench.ts";

/** Empty lists, full of what an earlier batch may have left; `floors` are an input where given. */
export function rowLists(
  bench: Bench,
  rows: number,
  plan: CapacityPlan,
  floors?: readonly number[],
  name = "",
): RowLists {
  const { capacity } = plan;
  const stale = bitsOf([1e30])[0];
  const spans = Uint32Array.from({ length: rows * 2 }, (_, i) => (i >> 1) * capacity + i % 2 * 3);
  const code = {
    rows,
    capacity,
    spans: bench.state(`spans${name}`, spans),
    entries: bench.scratch(`entries${name}`, rows * capacity * 2),
    dz: bench.scratch(`dz${name}`, 4),
  };
  bench.compare(`code${name}`, () => Uint32Array.from(readEntries(bench, code).flat()));
  return {
    ...plan,
    code,
    floors: floors
      ? bench.floats(`floors${name}`, floors)
      : bench.state(`floors${name}`, new Uint32Array(rows).fill(stale)),
  };
}

/** Lists that hold a code already. */
export function filledLists(
  bench: Bench,
  code: Code,
  plan: CapacityPlan,
  floors: readonly number[],
): RowLists {
  const { capacity } = plan;
  const spans = new Uint32Array(code.length * 2);
  const entries = new Uint32Array(code.length * capacity * 2).fill(0x7f000000);
  code.forEach((row, r) => {
    spans.set([r * capacity, r * capacity + row.length], 2 * r);
    row.forEach(({ latent, value }, i) =>
      entries.set([latent, bitsOf([value])[0]], 2 * (r * capacity + i))
    );
  });
  const rows = {
    rows: code.length,
    capacity,
    spans: bench.state("spans", spans),
    entries: bench.state("entries", entries),
    dz: bench.scratch("dz", 4),
  };
  return { ...plan, code: rows, floors: bench.state("floors", bitsOf(floors)) };
}

/** Latent and bits of value of every entry, a list a row. */
export function readEntries(bench: Bench, code: Pick<RowLists["code"], "spans" | "entries">) {
  const spans = bench.wordsOf(code.spans);
  const entries = bench.wordsOf(code.entries);
  return Array.from(
    { length: spans.length / 2 },
    (_, r) => [...entries.slice(spans[2 * r] * 2, spans[2 * r + 1] * 2)],
  );
}

/** The same of a reference's code. */
export function entriesOf(code: Code): number[][] {
  return code.map((row) => row.flatMap(({ latent, value }) => [latent, bitsOf([value])[0]]));
}
