import { gatedGradient } from "../../lib/kernels/gated_gradient.ts";
import { gatedGradient as reference } from "../../lib/reference/gated_gradient.ts";
import { placeEntries } from "../../lib/reference/place_entries.ts";
import { byLatent, packPlaced } from "./by_latent.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { awkwardCodes, numbersFor, vector } from "./samples.ts";

const cases: KernelCase[] = awkwardCodes().map(({ name, latents, k, code }) => ({
  name,
  build(bench) {
    const r = vector(latents, { seed: 3, scale: 0.5 });
    const bMag = vector(latents, { seed: 4 });
    const dq = numbersFor(code);
    const list = byLatent(bench, code, latents, k, ["offsets", "placed"], dq);
    const placed = bench.state("placed in and out", packPlaced(code, latents, k, dq));
    const gradR = bench.output("grad r", latents);
    const gradMag = bench.output("grad b_mag", latents);
    return {
      commands: [gatedGradient.record(bench.gpu, {
        code: { ...list, placed },
        r: bench.floats("r", r),
        bMag: bench.floats("b_mag", bMag),
        gradR,
        gradMag,
      })],
      verify() {
        const wanted = reference(code, dq, r, bMag);
        const sizes = dq.map((row) => row.map(Math.abs));
        // The differences q - b_mag lose what the larger of the two is rounded by.
        const most = reference(code, sizes, r, bMag.map((v) => -Math.abs(v)));
        const loose = (v: number) => (sumError(code.length) + 4 * EPS) * v;
        assertClose(bench.floatsOf(gradMag), wanted.bMag, most.bMag.map(loose), "b_mag");
        assertClose(bench.floatsOf(gradR), wanted.r, most.r.map(loose), "r");
        const words = new Float32Array(bench.wordsOf(placed).buffer);
        placeEntries(code, latents).flat().forEach(({ row, place }, i) => {
          const here = wanted.du[row][place];
          assertClose([words[4 * i + 2]], [here], [8 * EPS * Math.abs(here)], `du of entry ${i}`);
        });
      },
    };
  },
}));

Deno.test("gatedGradient sums dq and scales it to the encoder's scores", () => checkKernel(cases));
