import { STEP } from "../../lib/kernels/common.ts";
import { AVERAGE, scheduleFree } from "../../lib/kernels/schedule_free.ts";
import { scheduleFree as reference } from "../../lib/reference/schedule_free.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";

const COURSES: { name: string; rates: number[] }[] = [
  { name: "constant", rates: Array(7).fill(0.02) },
  { name: "warm-up from zero", rates: [0, 0, 0.1, 0.2, 0.3, 0.3, 0.3] },
  { name: "rise and fall", rates: [1e-4, 5e-3, 5e-3, 1e-3, 0] },
  { name: "nothing yet", rates: [0, 0] },
];

const cases: KernelCase[] = COURSES.map(({ name, rates }) => ({
  name,
  build(bench) {
    const average = bench.state("average", bitsOf(new Float64Array(AVERAGE.words)));
    const commands = rates.map((rate, t) => {
      const step = new Float32Array(STEP.words);
      step[STEP.lr] = rate;
      return scheduleFree.record(bench.gpu, { step: bench.floats(`step ${t}`, step), average });
    });
    return {
      commands,
      verify() {
        const got = bench.floatsOf(average);
        const share = reference(rates.map(Math.fround));
        const counted = rates.filter((_, t) => rates.slice(0, t + 1).some((r) => r > 0)).length;
        assertClose(
          [got[AVERAGE.share], got[AVERAGE.steps], got[AVERAGE.most]],
          [share, counted, Math.fround(Math.max(...rates))],
          [8 * EPS * share, 0, 0],
          "share, steps and largest rate, number",
        );
      },
    };
  },
}));

Deno.test("scheduleFree weighs a step by the square of the largest rate so far", () =>
  checkKernel(cases));
