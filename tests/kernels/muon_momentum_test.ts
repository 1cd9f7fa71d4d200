import { SCALARS } from "../../lib/kernels/common.ts";
import { muonMomentum } from "../../lib/kernels/muon_momentum.ts";
import { muonMomentum as reference } from "../../lib/reference/muon_momentum.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { vector } from "./samples.ts";

const BETA = Math.fround(0.95);
const CLIP = Math.fround(0.3);

const cases: KernelCase[] = [
  { name: "clipped", count: 140, clipWord: undefined },
  { name: "not clipped", count: 4, clipWord: SCALARS.one },
].map(({ name, count, clipWord }, i) => ({
  name,
  build(bench) {
    const before = vector(count, { seed: i });
    const grad = vector(count, { seed: 10 + i, wide: i === 0 });
    const scalars = new Float32Array(SCALARS.words);
    scalars[SCALARS.clip] = CLIP;
    scalars[SCALARS.one] = 1;
    const momentum = bench.state("momentum", bitsOf(before));
    const u = bench.output("u", count);
    return {
      commands: [muonMomentum.record(bench.gpu, {
        count,
        beta: BETA,
        clipWord,
        scalars: bench.floats("scalars", scalars),
        grad: bench.floats("grad", grad),
        momentum,
        u,
      })],
      verify() {
        const clipped = grad.map((g) => clipWord === undefined ? g * CLIP : g);
        const wanted = reference(before, clipped, BETA);
        const bounds = before.map((m, j) => 8 * EPS * (Math.abs(m) + Math.abs(clipped[j])));
        assertClose(bench.floatsOf(momentum), wanted.momentum, bounds, "momentum");
        assertClose(bench.floatsOf(u), wanted.u, bounds, "u");
      },
    };
  },
}));

Deno.test("muonMomentum averages clipped gradients and looks ahead", () => checkKernel(cases));
