import { SCALES, schulzScale } from "../../lib/kernels/schulz_scale.ts";
import { schulzScale as reference } from "../../lib/reference/schulz_scale.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { vector } from "./samples.ts";

const cases: KernelCase[] = [
  { name: "few", count: 4, scale: 1 },
  { name: "many", count: 772, scale: 1e6 },
  { name: "tiny", count: 64, scale: 1e-13 },
  { name: "a zero matrix", count: 8, scale: 0 },
].map(({ name, count, scale }, i) => ({
  name,
  build(bench) {
    const squares = vector(count, { seed: i, scale }).map(Math.abs);
    const scales = bench.scratch("scales", SCALES.words);
    return {
      commands: [schulzScale.record(bench.gpu, {
        count,
        squares: bench.floats("squares", squares),
        scales,
      })],
      verify() {
        const wanted = reference(squares);
        const got = bench.floatsOf(scales).subarray(0, 2);
        const slip = (count / 4 + 8) * EPS;
        assertClose(
          got,
          [wanted, wanted ** 2],
          [slip * wanted, 2 * slip * wanted ** 2],
          "scale and its square, number",
        );
      },
    };
  },
}));

Deno.test("schulzScale is the inverse of the Frobenius norm", () => checkKernel(cases));
