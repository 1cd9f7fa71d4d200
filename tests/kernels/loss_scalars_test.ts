import assert from "assert";
import { MOST_SITES, SCALARS, SITE, siteWord } from "../../lib/kernels/common.ts";
import { lossScalars } from "../../lib/kernels/loss_scalars.ts";
import { lossScalars as reference } from "../../lib/reference/loss_scalars.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const WEIGHT = Math.fround(1 / 32);
const FACTOR = Math.fround(0.07);
const PLACE = 3;
const same = Array.from({ length: 4 }, () => Float64Array.of(1, -2, 3));

const inputs: { name: string; target: Matrix; recon: Matrix; count: number }[] = [
  { name: "ordinary", target: matrix(20, 7), recon: matrix(20, 7, { seed: 2 }), count: 3 },
  { name: "exact", target: matrix(5, 3), recon: matrix(5, 3), count: 1 },
  { name: "a constant batch", target: same, recon: matrix(4, 3, { seed: 3 }), count: 2 },
  { name: "nothing dead", target: matrix(6, 2), recon: matrix(6, 2, { seed: 4 }), count: 0 },
  { name: "small numbers", target: matrix(8, 8, { scale: 1e-4 }), recon: matrix(8, 8), count: 9 },
];

function cases(options: {
  kind: "fvu" | "scaled";
  site: number;
  guarded: boolean;
  masked?: { rows: number; counted: number };
}): KernelCase[] {
  const { kind, site, guarded, masked } = options;
  const factor = masked ? FACTOR * masked.rows / masked.counted : FACTOR;
  return inputs.map(({ name, target, recon, count }) => ({
    name,
    build(bench) {
      const wanted = reference(target, recon);
      const before = Float32Array.from({ length: SCALARS.words }, (_, i) => 100 + i);
      const scalars = bench.state("scalars", bitsOf(before));
      const counts = bench.words("counts", [7, 8, 0, count]);
      return {
        commands: [lossScalars.record(bench.gpu, {
          site,
          kind,
          weight: WEIGHT,
          factor: FACTOR,
          maskedRows: masked?.rows,
          sums: bench.floats("sums", [
            ...[wanted.squaredError, wanted.spread, 7, 7, 7],
            ...[masked?.counted ?? 0, 0, 0],
          ]),
          guard: guarded ? { count: counts, place: PLACE } : undefined,
          scalars,
        })],
        verify() {
          const useful = !guarded || count > 0;
          const scaled = kind === "scaled";
          const loss = scaled ? factor * wanted.squaredError : wanted.loss;
          const numbers: Record<string, number> = {
            loss,
            weighted: WEIGHT * loss,
            scale: WEIGHT * (scaled ? -2 * factor : wanted.scale),
            error: wanted.squaredError,
            spread: wanted.spread,
            fvu: wanted.loss,
          };
          const expected = Float64Array.from(before);
          for (const [word, value] of Object.entries(numbers)) {
            expected[siteWord(site, word as "scale")] = useful ? value : 0;
          }
          const bounds = expected.map((v) => 6 * EPS * Math.abs(v));
          assertClose(bench.floatsOf(scalars), expected, bounds, "scalar");
        },
      };
    },
  }));
}

Deno.test("lossScalars makes the FVU of a site and its factor", () =>
  checkKernel(cases({ kind: "fvu", site: 0, guarded: false })));

Deno.test("lossScalars makes a scaled squared error", () =>
  checkKernel(cases({ kind: "scaled", site: 2, guarded: false })));

Deno.test("lossScalars divides by the rows that count", async () => {
  const masked = { rows: 24, counted: 18 };
  await checkKernel(cases({ kind: "scaled", site: 0, guarded: false, masked }));
  await checkKernel(cases({ kind: "fvu", site: 0, guarded: false, masked }));
});

Deno.test("lossScalars makes an auxiliary loss where something is dead", () =>
  checkKernel(cases({ kind: "fvu", site: 1, guarded: true })));

Deno.test("the words of sites and of the step have places of their own", () => {
  const { words, sites, ...single } = SCALARS;
  const places = Object.values(single);
  assert.equal(new Set(places).size, places.length);
  assert.ok(Math.max(...places) < sites);
  const { words: perSite, ...own } = SITE;
  assert.ok(new Set(Object.values(own)).size === 6 && Math.max(...Object.values(own)) < perSite);
  assert.ok(siteWord(MOST_SITES - 1, "fvu") < words && siteWord(0, "scale") === sites);
});
