import { adam } from "../../lib/kernels/adam.ts";
import { SCALARS, STEP } from "../../lib/kernels/common.ts";
import { adam as reference } from "../../lib/reference/adam.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { vector } from "./samples.ts";

const BETA1 = Math.fround(0.9);
const BETA2 = Math.fround(0.999);
const EPSILON = Math.fround(1e-8);

const steps = [
  { name: "first step", count: 4, t: 1, lr: 1e-3, clip: 1, gradScale: 1, fresh: true },
  { name: "clipped, late", count: 148, t: 1000, lr: 2e-4, clip: 0.03, gradScale: 5, fresh: false },
  { name: "no gradient", count: 12, t: 7, lr: 1e-2, clip: 1, gradScale: 0, fresh: false },
  { name: "tiny gradients", count: 260, t: 3, lr: 1, clip: 1, gradScale: 1e-9, fresh: true },
  { name: "no learning rate", count: 8, t: 2, lr: 0, clip: 1, gradScale: 1, fresh: false },
];

const cases: KernelCase[] = steps.map(({ name, count, t, gradScale, fresh, ...rest }, i) => ({
  name,
  build(bench) {
    const lr = Math.fround(rest.lr);
    const clip = Math.fround(rest.clip);
    const grad = vector(count, { seed: i, scale: gradScale });
    const zero = new Float64Array(count);
    const before = {
      parameter: vector(count, { seed: 10 + i }),
      moment1: fresh ? zero : vector(count, { seed: 20 + i, scale: 0.1 }),
      moment2: fresh ? zero : vector(count, { seed: 30 + i, scale: 0.1 }).map(Math.abs),
    };
    const step = new Float32Array(STEP.words);
    step[STEP.lr] = lr;
    step[STEP.correction1] = 1 / (1 - BETA1 ** t);
    step[STEP.correction2] = 1 / (1 - BETA2 ** t);
    const scalars = new Float32Array(SCALARS.words);
    scalars[SCALARS.clip] = clip;
    const parameter = bench.state("parameter", bitsOf(before.parameter));
    const moment1 = bench.state("moment1", bitsOf(before.moment1));
    const moment2 = bench.state("moment2", bitsOf(before.moment2));
    return {
      commands: [adam.record(bench.gpu, {
        count,
        beta1: BETA1,
        beta2: BETA2,
        eps: EPSILON,
        step: bench.floats("step", step),
        scalars: bench.floats("scalars", scalars),
        grad: bench.floats("grad", grad),
        parameter,
        moment1,
        moment2,
      })],
      verify() {
        const numbers = { t, lr, beta1: BETA1, beta2: BETA2, eps: EPSILON, clip };
        const wanted = reference(before, grad, numbers);
        const bounds1 = grad.map((g, j) =>
          4 * EPS * (Math.abs(before.moment1[j]) + Math.abs((1 - BETA1) * clip * g))
        );
        assertClose(bench.floatsOf(moment1), wanted.moment1, bounds1, "moment1");
        const bounds2 = wanted.moment2.map((v) => 8 * EPS * v);
        assertClose(bench.floatsOf(moment2), wanted.moment2, bounds2, "moment2");
        const bounds = wanted.parameter.map((p, j) => {
          const root = Math.sqrt(wanted.moment2[j] / (1 - BETA2 ** t)) + EPSILON;
          const slip = lr * bounds1[j] / (1 - BETA1 ** t) / root;
          return EPS * (Math.abs(p) + 16 * Math.abs(p - before.parameter[j])) + slip;
        });
        assertClose(bench.floatsOf(parameter), wanted.parameter, bounds, "parameter");
      },
    };
  },
}));

Deno.test("adam moves parameters and both moments", () => checkKernel(cases));
