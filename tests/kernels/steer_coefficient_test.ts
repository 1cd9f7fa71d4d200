import assert from "assert";
import { SCALARS, STEP } from "../../lib/kernels/common.ts";
import { HISTORY, PENALTY_STATE } from "../../lib/kernels/penalty_state.ts";
import { steerCoefficient, type SteerRule } from "../../lib/kernels/steer_coefficient.ts";
import {
  newPenaltyState,
  penaltyCoefficient,
  type PenaltyState,
} from "../../lib/reference/penalty_coefficient.ts";
import { steerCoefficient as reference } from "../../lib/reference/steer_coefficient.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { stateWords } from "./penalty_words.ts";

const RULE: SteerRule = {
  goal: 8,
  steps: 50,
  descent: 40,
  damping: 0.75,
  beta: 0.125,
  slowSteps: 20,
};
const FULL = 4;
const ROWS = 64;

interface Situation {
  name: string;
  l0: number;
  /** Step; beyond the descent when absent. */
  t?: number;
  coefficient?: number;
  state?: Partial<PenaltyState>;
}

const situations: Situation[] = [
  { name: "the first error", l0: 12, t: 0 },
  { name: "a first error below the goal", l0: 5, t: 0 },
  { name: "on the way down", l0: 30, t: 10, state: { smooth: 0.25, integral: 0.5, firstError: 2 } },
  { name: "far above", l0: 900, state: { smooth: 4, integral: 0.5 } },
  { name: "below", l0: 5, state: { smooth: 0.25, integral: 1.5 } },
  { name: "nothing active", l0: 0, state: { smooth: -1, integral: -0.5 } },
  { name: "during the warm-up", l0: 30, coefficient: 1, state: { smooth: 0.5, integral: 0.25 } },
  { name: "before the warm-up", l0: 30, coefficient: 0 },
  { name: "at the bound", l0: 8000, state: { smooth: 5, integral: 19.995 } },
];

const cases: KernelCase[] = situations.map((
  { name, l0, t = 100, coefficient = FULL, state = {} },
) => ({
  name,
  build(bench) {
    const known = state.smooth === undefined ? {} : { firstError: 0, slow: 0.9 * state.smooth };
    const before = { ...newPenaltyState(), ...known, ...state };
    const words = bench.state("state", bitsOf(stateWords(before)));
    const step = new Float32Array(STEP.words);
    step[STEP.coefficient] = coefficient;
    new Uint32Array(step.buffer)[STEP.number] = t;
    const scalars = new Float32Array(SCALARS.words);
    scalars[SCALARS.l0] = l0;
    return {
      commands: [steerCoefficient.record(bench.gpu, {
        rule: RULE,
        full: FULL,
        rows: ROWS,
        state: words,
        step: bench.floats("step", step),
        scalars: bench.floats("scalars", scalars),
      })],
      verify() {
        const after = structuredClone(before);
        reference(after, RULE, { l0, least: 0.5 / ROWS, share: coefficient / FULL, t });
        const wanted = stateWords(after);
        const bounds = wanted.map((v) => 16 * EPS * (1 + Math.abs(v)));
        assertClose(bench.floatsOf(words), wanted, bounds, "word");
      },
    };
  },
}));

Deno.test("steerCoefficient follows the error, smoothed, bounded, by the schedule's share", () =>
  checkKernel(cases));

Deno.test("steerCoefficient remembers the penalties of the last steps", () =>
  checkKernel([3, HISTORY - 1, 2 * HISTORY - 1].map((known) => ({
    name: `${known} before`,
    build(bench) {
      const state = stateWords(newPenaltyState());
      state[PENALTY_STATE.known] = known;
      const words = bench.state("state", bitsOf(state));
      return {
        commands: [steerCoefficient.record(bench.gpu, {
          full: FULL,
          rows: ROWS,
          totals: bench.floats("totals", [1.5, 2.5]),
          state: words,
          step: bench.floats("step", new Float32Array(STEP.words)),
          scalars: bench.floats("scalars", new Float32Array(SCALARS.words)),
        })],
        verify() {
          const got = bench.floatsOf(words);
          const at = PENALTY_STATE.history + 2 * (known % HISTORY);
          assert.deepEqual([...got.slice(at, at + 2)], [1.5, 2.5]);
          const count = got[PENALTY_STATE.known];
          assert.equal(count, known + 1 < 2 * HISTORY ? known + 1 : HISTORY);
          assert.equal(got.filter((v) => v !== 0).length, 3, "nothing else changed");
        },
      };
    },
  }))));

/** Where a plant ends, over the last twentieth of the steps, and how far it went down. */
function steered(plant: (coefficient: number) => number, steps: number) {
  const state = newPenaltyState();
  const rule = {
    goal: 20,
    steps: steps / 50,
    descent: 0.84 * steps,
    damping: 0.6,
    beta: 0.2,
    slowSteps: 0.12 * steps,
  };
  let lowest = Infinity;
  let sum = 0;
  for (let t = 0; t < steps; t++) {
    const share = Math.min(1, (t + 1) / (0.05 * steps));
    const l0 = plant(penaltyCoefficient(state, { coefficient: 5 * share, steered: true }));
    reference(state, rule, { l0, least: 1e-4, share, t });
    if (t >= 0.95 * steps) sum += l0 / (0.05 * steps);
    lowest = Math.min(lowest, l0);
  }
  return { end: sum, lowest };
}

Deno.test("the steering brings plants that lag to the goal, whatever their strength and speed", () => {
  // log L0 = a - strength · log coefficient, reached with a delay of `lag` steps.
  for (const strength of [0.5, 0.8, 1.5]) {
    for (const lag of [5, 50, 150]) {
      let log = Math.log(600);
      const { end, lowest } = steered((coefficient) => {
        log += (Math.log(200) - strength * Math.log(coefficient) - log) / lag;
        return Math.exp(log);
      }, 3000);
      const what = `strength ${strength}, lag ${lag}`;
      assert.ok(Math.abs(end / 20 - 1) < 0.05, `${what}: ends at ${end}`);
      assert.ok(lowest > 18, `${what}: fell to ${lowest}`);
    }
  }
});

Deno.test("the steering lands where L0 moves with bounded speed and hardly comes back, as thresholds under Adam", () => {
  for (const speed of [0.004, 0.02]) {
    let log = Math.log(500), moving = 0;
    const { end, lowest } = steered((coefficient) => {
      // Towards where force and coefficient balance; ten times slower up than down.
      const force = Math.tanh(Math.log(coefficient) - Math.log(2) - 0.5 * (Math.log(60) - log));
      moving += (force - moving) / 30;
      log -= speed * (moving > 0 ? moving : 0.1 * moving);
      return Math.exp(log);
    }, 3000);
    assert.ok(Math.abs(end / 20 - 1) < 0.05, `speed ${speed}: ends at ${end}`);
    assert.ok(lowest > 18, `speed ${speed}: fell to ${lowest}`);
  }
});
