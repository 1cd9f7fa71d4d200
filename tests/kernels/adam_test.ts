import assert from "assert";
import { adam } from "../../lib/kernels/adam.ts";
import { SCALARS, STEP } from "../../lib/kernels/common.ts";
import { adam as reference } from "../../lib/reference/adam.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { vector } from "./samples.ts";

const BETA1 = Math.fround(0.9);
const BETA2 = Math.fround(0.999);
const EPSILON = Math.fround(1e-8);

/** A step, and how it differs from plain Adam. */
interface Step {
  name: string;
  count: number;
  t: number;
  lr: number;
  clip: number;
  gradScale: number;
  fresh: boolean;
  decay?: number;
  sparse?: boolean;
  nonNegative?: boolean;
  lrFactor?: number;
  clipWord?: number;
}

const ordinary = { count: 76, t: 9, lr: 0.03, clip: 0.7, gradScale: 1, fresh: false };

const steps: Step[] = [
  { name: "first step", count: 4, t: 1, lr: 1e-3, clip: 1, gradScale: 1, fresh: true },
  { name: "clipped, late", count: 148, t: 1000, lr: 2e-4, clip: 0.03, gradScale: 5, fresh: false },
  { name: "no gradient", count: 12, t: 7, lr: 1e-2, clip: 1, gradScale: 0, fresh: false },
  { name: "tiny gradients", count: 260, t: 3, lr: 1, clip: 1, gradScale: 1e-9, fresh: true },
  { name: "no learning rate", count: 8, t: 2, lr: 0, clip: 1, gradScale: 1, fresh: false },
  { ...ordinary, name: "weight decay", decay: 0.1, lrFactor: 0.5 },
  { ...ordinary, name: "half of the gradient missing", sparse: true },
  { ...ordinary, name: "missing, tiny", sparse: true, gradScale: 1e-7, fresh: true, t: 1 },
  { ...ordinary, name: "clamped", nonNegative: true, lrFactor: 3 },
  { ...ordinary, name: "clamped, decaying", nonNegative: true, decay: 0.5 },
  { ...ordinary, name: "not clipped", clipWord: SCALARS.one },
];

const cases: KernelCase[] = steps.map(({ name, count, t, gradScale, fresh, ...rest }, i) => ({
  name,
  build(bench) {
    const { sparse, nonNegative, lrFactor = 1, clipWord } = rest;
    const lr = Math.fround(rest.lr);
    const clip = Math.fround(rest.clip);
    const decay = Math.fround(rest.decay ?? 0);
    const grad = vector(count, { seed: i, scale: gradScale })
      .map((g, j) => sparse && j % 3 ? 0 : g);
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
    scalars[SCALARS.one] = 1;
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
        lrFactor,
        decay,
        sparse,
        nonNegative,
        clipWord,
      })],
      verify() {
        const rate = lr * lrFactor;
        const acting = clipWord === undefined ? clip : 1;
        const numbers = {
          t,
          lr: rate,
          beta1: BETA1,
          beta2: BETA2,
          eps: EPSILON,
          clip: acting,
          decay,
          sparse,
          nonNegative,
        };
        const wanted = reference(before, grad, numbers);
        const bounds1 = grad.map((g, j) =>
          4 * EPS * (Math.abs(before.moment1[j]) + Math.abs((1 - BETA1) * acting * g))
        );
        assertClose(bench.floatsOf(moment1), wanted.moment1, bounds1, "moment1");
        const bounds2 = wanted.moment2.map((v) => 8 * EPS * v);
        assertClose(bench.floatsOf(moment2), wanted.moment2, bounds2, "moment2");
        const bounds = wanted.parameter.map((p, j) => {
          const root = Math.sqrt(wanted.moment2[j] / (1 - BETA2 ** t)) + EPSILON;
          const slip = rate * bounds1[j] / (1 - BETA1 ** t) / root;
          const old = Math.abs(before.parameter[j]);
          const move = rate * Math.abs(wanted.moment1[j]) / (1 - BETA1 ** t) / root;
          return EPS * (Math.abs(p) + old * (decay > 0 ? 1 : 0) + 16 * move) + slip;
        });
        const got = bench.floatsOf(parameter);
        assertClose(got, wanted.parameter, bounds, "parameter");
        grad.forEach((g, j) => {
          if (sparse && g === 0) {
            assert.equal(got[j], before.parameter[j], "moved without gradient");
          }
          if (nonNegative) assert.ok(got[j] >= 0, "below zero");
        });
      },
    };
  },
}));

Deno.test("adam moves parameters and both moments", () =>
  checkKernel(cases, [whole, split, asHardware]));
