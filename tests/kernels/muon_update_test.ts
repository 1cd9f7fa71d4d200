import assert from "assert";
import { STEP } from "../../lib/kernels/common.ts";
import { muonUpdate } from "../../lib/kernels/muon_update.ts";
import { muonUpdate as reference } from "../../lib/reference/muon_update.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { vector } from "./samples.ts";

const LR = Math.fround(0.02);

const cases: KernelCase[] = [
  { name: "plain", count: 260, factor: 2.5, decay: 0, lrFactor: 1, nonNegative: false },
  {
    name: "decay, other rate",
    count: 12,
    factor: 0.5,
    decay: 0.1,
    lrFactor: 3,
    nonNegative: false,
  },
  { name: "clamped", count: 64, factor: 40, decay: 0.1, lrFactor: 1, nonNegative: true },
].map(({ name, count, nonNegative, ...rest }, i) => ({
  name,
  build(bench) {
    const before = vector(count, { seed: i });
    const direction = vector(count, { seed: 10 + i });
    const step = new Float32Array(STEP.words);
    step[STEP.lr] = LR;
    const parameter = bench.state("parameter", bitsOf(before));
    return {
      commands: [muonUpdate.record(bench.gpu, {
        ...rest,
        count,
        nonNegative,
        step: bench.floats("step", step),
        direction: bench.floats("direction", direction),
        parameter,
      })],
      verify() {
        const { lrFactor, decay, factor } = rest;
        const lr = LR * lrFactor;
        const free = reference(before, direction, { lr, decay, factor });
        const wanted = nonNegative ? free.map((v) => Math.max(0, v)) : free;
        const bounds = before.map((p, j) =>
          4 * EPS * (Math.abs(p) + lr * factor * Math.abs(direction[j]))
        );
        assertClose(bench.floatsOf(parameter), wanted, bounds, "parameter");
        if (nonNegative) assert.ok(free.some((v) => v < 0), "the case does not need the clamp");
      },
    };
  },
}));

Deno.test("muonUpdate decays, steps and clamps", () => checkKernel(cases));
