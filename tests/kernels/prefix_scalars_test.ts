import assert from "assert";
import { MOST_SITES, prefixWord, SCALARS, siteWord } from "../../lib/kernels/common.ts";
import { MOST_PREFIXES } from "../../lib/kernels/prefix_table.ts";
import { prefixScalars } from "../../lib/kernels/prefix_scalars.ts";
import { prefixScalars as reference } from "../../lib/reference/prefix_scalars.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { prefixTable } from "./prefixes.ts";

const WEIGHT = Math.fround(1 / 8);
const FACTOR = Math.fround(0.07);

const inputs = [
  { squares: [5], weights: [1], spread: 4 },
  { squares: [9, 7, 0, 2.5, 1], weights: [0.2, 0, 0.5, 1, 2], spread: 12 },
  { squares: [3, 2], weights: [1, 1], spread: 0 },
  {
    squares: Array.from({ length: MOST_PREFIXES }, (_, g) => 40 - g),
    weights: new Array<number>(MOST_PREFIXES).fill(1 / 32),
    spread: 37,
  },
];

const cases = (kind: "fvu" | "scaled", site: number): KernelCase[] =>
  inputs.map(({ squares, weights, spread }) => ({
    name: `${squares.length} prefixes, spread ${spread}`,
    build(bench) {
      const before = Float32Array.from({ length: SCALARS.words }, (_, i) => 100 + i);
      before[siteWord(site, "spread")] = spread;
      const scalars = bench.state("scalars", bitsOf(before));
      return {
        commands: [prefixScalars.record(bench.gpu, {
          site,
          kind,
          weight: WEIGHT,
          factor: FACTOR,
          squares: bench.floats("squares", squares),
          table: prefixTable(bench, squares.map((_, g) => g), weights),
          scalars,
        })],
        verify() {
          const rounded = weights.map(Math.fround);
          const factor = kind === "scaled" ? FACTOR : undefined;
          const wanted = reference(squares, rounded, spread, factor);
          const expected = Float64Array.from(before);
          expected[siteWord(site, "loss")] = wanted.loss;
          expected[siteWord(site, "weighted")] = WEIGHT * wanted.loss;
          wanted.fvu.forEach((fvu, g) => expected[prefixWord(g)] = fvu);
          const bounds = expected.map((v) => (squares.length + 4) * EPS * Math.abs(v));
          assertClose(bench.floatsOf(scalars), expected, bounds, "scalar");
        },
      };
    },
  }));

Deno.test("prefixScalars weighs the FVU of every prefix", () => checkKernel(cases("fvu", 0)));

Deno.test("prefixScalars weighs scaled squared errors", () => checkKernel(cases("scaled", 3)));

Deno.test("the words of prefixes lie behind those of the sites", () => {
  assert.ok(prefixWord(0) > siteWord(MOST_SITES - 1, "fvu") + 1);
  assert.equal(prefixWord(MOST_PREFIXES), SCALARS.words);
});
