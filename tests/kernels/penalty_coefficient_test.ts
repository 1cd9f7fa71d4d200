import assert from "assert";
import { SCALARS, STEP } from "../../lib/kernels/common.ts";
import {
  penaltyCoefficient,
  type PenaltyCoefficientArgs,
} from "../../lib/kernels/penalty_coefficient.ts";
import { HISTORY, PENALTY_STATE } from "../../lib/kernels/penalty_state.ts";
import {
  countPenalty,
  newPenaltyState,
  penaltyCoefficient as reference,
  type PenaltyState,
} from "../../lib/reference/penalty_coefficient.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { stateWords } from "./penalty_words.ts";

interface Situation {
  name: string;
  state?: Partial<PenaltyState>;
  exponent?: number;
  active?: number;
  goal?: number;
  steered?: boolean;
  leftOut?: number;
}

const situations: Situation[] = [
  { name: "a new run" },
  { name: "steered and annealed before", state: { control: 0.7, logAnneal: -1.2 }, steered: true },
  { name: "the first exponent", exponent: 1 },
  {
    name: "the same exponent",
    exponent: 0.9,
    state: { exponent: Math.fround(0.9), history: [[3, 4]] },
  },
  {
    name: "a new exponent after two steps",
    exponent: 0.8,
    state: { exponent: Math.fround(0.9), history: [[3, 4], [5, 7]], logAnneal: 0.1 },
  },
  {
    name: "a new exponent after a full history",
    exponent: 0.5,
    state: {
      exponent: 1,
      history: Array.from({ length: HISTORY }, (_, i): [number, number] => [i + 1, 2 * i + 1]),
    },
  },
  {
    name: "a new exponent while nothing was active",
    exponent: 0.5,
    state: { exponent: 1, history: [[0, 0]], logAnneal: 0.3 },
  },
  { name: "a number", active: 120, state: { control: 0.2 } },
  { name: "a number above its goal", active: 120, goal: 5 },
  { name: "a number below its goal", active: 12, goal: 5 },
  { name: "rows that do not count", leftOut: 4 },
  { name: "a number where rows do not count", active: 120, goal: 5, leftOut: 4 },
];

const ROWS = 10;
const COEFFICIENT = Math.fround(0.3);

const cases: KernelCase[] = situations.map((
  { name, state = {}, exponent, active, goal, steered = false, leftOut = 0 },
) => ({
  name,
  build(bench) {
    const before = { ...newPenaltyState(), ...state };
    const words = bench.state("state", bitsOf(stateWords(before)));
    const scalars = bench.state("scalars", bitsOf(new Float32Array(16).fill(7)));
    const step = new Float32Array(STEP.words);
    step[STEP.coefficient] = COEFFICIENT;
    step[STEP.exponent] = exponent ?? 0;
    new Uint32Array(step.buffer)[STEP.leftOut] = leftOut;
    const count: PenaltyCoefficientArgs["count"] = active === undefined ? undefined : {
      offsets: bench.words("offsets", [0, 1, active]),
      place: 2,
      goal,
    };
    return {
      commands: [penaltyCoefficient.record(bench.gpu, {
        rows: ROWS,
        anneal: exponent !== undefined,
        steered,
        count,
        state: words,
        step: bench.floats("step", step),
        scalars,
      })],
      verify() {
        const after = structuredClone(before);
        const plain = reference(after, {
          coefficient: COEFFICIENT,
          steered,
          exponent: exponent === undefined ? undefined : Math.fround(exponent),
        });
        const got = bench.floatsOf(scalars);
        const wanted = active === undefined
          ? { loss: 7, coefficient: plain }
          : countPenalty(plain, active / (ROWS - leftOut), goal);
        // Penalties are divided by all rows afterwards.
        wanted.coefficient *= ROWS / (ROWS - leftOut);
        const near = (v: number) => [Math.abs(v) * 16 * EPS];
        assertClose(
          [got[SCALARS.coefficient]],
          [wanted.coefficient],
          near(wanted.coefficient),
          "c",
        );
        assertClose([got[SCALARS.sparsityLoss]], [wanted.loss], near(wanted.loss), "loss");
        const found = bench.floatsOf(words);
        const left = stateWords(after);
        const loose = left.map((v) => Math.abs(v) * 8 * EPS);
        assertClose(found.slice(0, 8), left.slice(0, 8), loose.slice(0, 8), "state");
        if (exponent !== before.exponent && exponent !== undefined) return;
        const { history } = PENALTY_STATE;
        assert.deepEqual(found.slice(history), Float32Array.from(left.slice(history)));
      },
    };
  },
}));

Deno.test("penaltyCoefficient is the schedule's times what steering and annealing say", () =>
  checkKernel(cases));

Deno.test("a change of exponent leaves coefficient times penalty where it was", () => {
  const values = [0.2, 0.7, 1.5];
  const penalty = (p: number) => values.reduce((sum, v) => sum + v ** p, 0);
  const state = newPenaltyState();
  let before = 0;
  for (const [now, next] of [[1, 0.9], [0.9, 0.8], [0.8, 0.7]]) {
    const product = reference(state, { coefficient: 2, exponent: now }) * penalty(now);
    if (before) assert.ok(Math.abs(product - before) < 1e-12);
    before = product;
    state.history.push([penalty(now), penalty(next)]);
  }
});
