import { pkmBiasGradient } from "../../lib/kernels/pkm_bias_gradient.ts";
import { pkmBiasGradient as reference } from "../../lib/reference/pkm_bias_gradient.ts";
import { RandomStream } from "../../lib/base/random.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import { byLatent } from "./by_latent.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { awkwardCodes, numbersFor, vector } from "./samples.ts";

function cases(heads: number, add: boolean): KernelCase[] {
  const stream = new RandomStream(23, "proposers");
  return awkwardCodes().map(({ name, latents, k, code }) => ({
    name: `${name}, ${heads} heads`,
    build(bench) {
      const dz = numbersFor(code);
      const proposers = code.map((row, r) =>
        row.map((_, i) => 1 + stream.below(2 ** heads - 1, r, i))
      );
      const room = roundUp(k, 4);
      const words = new Uint32Array(code.length * room);
      proposers.forEach((row, r) => words.set(row, r * room));
      const before = vector(latents, { seed: 24 });
      const grad = add ? bench.state("grad", bitsOf(before)) : bench.output("grad", latents);
      return {
        commands: [pkmBiasGradient.record(bench.gpu, {
          code: byLatent(bench, code, latents, k, ["offsets", "placed"], dz),
          proposers: heads > 1 ? bench.words("proposers", words) : undefined,
          grad,
          add,
        })],
        verify() {
          const sizes = dz.map((row) => row.map(Math.abs));
          const old = (l: number) => add ? before[l] : 0;
          assertClose(
            bench.floatsOf(grad),
            reference(code, dz, proposers, latents).map((v, l) => v + old(l)),
            reference(code, sizes, proposers, latents)
              .map((v, l) => sumError(code.length) * v + EPS * Math.abs(old(l))),
            "grad",
          );
        },
      };
    },
  }));
}

Deno.test("pkmBiasGradient sums dz by latent", () => checkKernel(cases(1, false)));

Deno.test("pkmBiasGradient counts an entry once a head that proposed it", () =>
  checkKernel(cases(3, false)));

Deno.test("pkmBiasGradient adds to a gradient", () => checkKernel(cases(2, true)));
