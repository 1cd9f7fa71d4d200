import { scalePanel } from "../../lib/kernels/scale_panel.ts";
import { scalePanel as reference } from "../../lib/reference/scale_panel.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase, scaled } from "./check_kernel.ts";
import { bitsOf } from "./bench.ts";
import { matrix, vector } from "./samples.ts";

const inputs = [
  { name: "one score", rows: 1, latents: 1, panel: 64, first: 0 },
  { name: "primes", rows: 37, latents: 61, panel: 64, first: 0 },
  { name: "a later panel", rows: 5, latents: 128, panel: 128, first: 256 },
  { name: "a panel from anywhere", rows: 5, latents: 63, panel: 64, first: 131 },
  { name: "places in a list", rows: 9, latents: 50, panel: 64, first: 64, map: true },
];

const cases: KernelCase[] = inputs.map(({ name, rows, latents, panel, first, map }) => ({
  name,
  build(bench) {
    const scores = matrix(rows, panel, { seed: 4 });
    const all = first + latents;
    const factors = vector(3 * all, { seed: 5, wide: true });
    const list = Array.from({ length: all }, (_, i) => 3 * i + 1);
    const buffer = bench.state("scores", bitsOf(scores.flatMap((row) => [...row])));
    return {
      commands: [scalePanel.record(bench.gpu, {
        rows,
        scores: buffer,
        panel,
        firstLatent: first,
        latents,
        factors: bench.floats("factors", factors),
        map: map ? bench.words("map", list) : undefined,
      })],
      verify() {
        const floats = bench.floatsOf(buffer);
        const got = scores.map((_, r) =>
          Float64Array.from(floats.subarray(r * panel, r * panel + latents))
        );
        const own = Array.from(
          { length: latents },
          (_, i) => factors[map ? list[first + i] : first + i],
        );
        const wanted = reference(scores.map((row) => row.slice(0, latents)), own);
        assertCloseRows(got, wanted, scaled(wanted, EPS), "scores");
      },
    };
  },
}));

Deno.test("scalePanel multiplies scores with their latents' factors", () => checkKernel(cases));
