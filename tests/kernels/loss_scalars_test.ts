import assert from "assert";
import { SCALARS } from "../../lib/kernels/common.ts";
import { lossScalars } from "../../lib/kernels/loss_scalars.ts";
import { lossScalars as reference } from "../../lib/reference/loss_scalars.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const ALPHA = Math.fround(1 / 32);
const same = Array.from({ length: 4 }, () => Float64Array.of(1, -2, 3));

const inputs: { name: string; target: Matrix; recon: Matrix; dead: number }[] = [
  { name: "ordinary", target: matrix(20, 7), recon: matrix(20, 7, { seed: 2 }), dead: 3 },
  { name: "exact", target: matrix(5, 3), recon: matrix(5, 3), dead: 1 },
  { name: "a constant batch", target: same, recon: matrix(4, 3, { seed: 3 }), dead: 2 },
  { name: "nothing dead", target: matrix(6, 2), recon: matrix(6, 2, { seed: 4 }), dead: 0 },
  { name: "small numbers", target: matrix(8, 8, { scale: 1e-4 }), recon: matrix(8, 8), dead: 9 },
];

function cases(of: "main" | "aux"): KernelCase[] {
  return inputs.map(({ name, target, recon, dead }) => ({
    name,
    build(bench) {
      const wanted = reference(target, recon);
      const before = Float32Array.from({ length: SCALARS.words }, (_, i) => 100 + i);
      const scalars = bench.state("scalars", bitsOf(before));
      return {
        commands: [lossScalars.record(bench.gpu, {
          of,
          alpha: ALPHA,
          sums: bench.floats("sums", [wanted.squaredError, wanted.spread, 7, 7, 7, 0, 0, 0]),
          deadCount: bench.words("dead", [77, 88, dead]),
          deadPlace: 2,
          scalars,
        })],
        verify() {
          const expected = Float64Array.from(before);
          if (of === "main") {
            expected[SCALARS.scale] = wanted.scale;
            expected[SCALARS.fvu] = wanted.loss;
            expected[SCALARS.squaredError] = wanted.squaredError;
            expected[SCALARS.spread] = wanted.spread;
          }
          const aux = of === "aux" && dead > 0;
          expected[SCALARS.auxScale] = aux ? ALPHA * wanted.scale : 0;
          expected[SCALARS.auxLoss] = aux ? wanted.loss : 0;
          const bounds = expected.map((v) => 6 * EPS * Math.abs(v));
          assertClose(bench.floatsOf(scalars), expected, bounds, "scalar");
        },
      };
    },
  }));
}

Deno.test("lossScalars makes the loss, its factor and forgets the last auxiliary loss", () =>
  checkKernel(cases("main")));

Deno.test("lossScalars makes the auxiliary loss where something is dead", () =>
  checkKernel(cases("aux")));

Deno.test("lossScalars has no word of its own twice", () => {
  const places = Object.entries(SCALARS).filter(([name]) => name !== "words").map(([, at]) => at);
  assert.equal(new Set(places).size, places.length);
  assert.ok(Math.max(...places) < SCALARS.words);
});
