import assert from "assert";
import { STEP } from "../../lib/kernels/common.ts";
import { AVERAGE } from "../../lib/kernels/schedule_free.ts";
import { signum, type SignumPart } from "../../lib/kernels/signum.ts";
import { blend, signum as reference, type SignumState } from "../../lib/reference/signum.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { vector } from "./samples.ts";

const LR = Math.fround(0.05);
const SHARE = Math.fround(0.23);
const BETA = Math.fround(0.95);

interface Spec {
  name: string;
  parts: SignumPart[];
  steps: number;
  lrFactor?: number;
  nonNegative?: boolean;
}

const SPECS: Spec[] = [
  { name: "first step", parts: ["step"], steps: 1 },
  { name: "later step", parts: ["step"], steps: 8, lrFactor: 2 },
  { name: "clamped", parts: ["step"], steps: 3, nonNegative: true },
  { name: "descend, then blend", parts: ["descend", "blend"], steps: 8 },
  { name: "descend alone", parts: ["descend"], steps: 8 },
  { name: "show", parts: ["show"], steps: 8 },
  { name: "shown and brought back", parts: ["step", "show", "blend"], steps: 8 },
  { name: "show before the first step", parts: ["show", "blend"], steps: 0 },
];

const cases: KernelCase[] = SPECS.map(({ name, parts, steps, lrFactor = 1, nonNegative }, i) => ({
  name,
  build(bench) {
    const count = 84;
    const grad = vector(count, { seed: i }).map((g, j) => j % 5 ? g : 0);
    const start = vector(count, { seed: 10 + i });
    const z = vector(count, { seed: 20 + i });
    const x = vector(count, { seed: 30 + i });
    const share = steps === 1 ? 1 : SHARE;
    const step = new Float32Array(STEP.words);
    step[STEP.lr] = LR;
    const average = new Float32Array(AVERAGE.words);
    average[AVERAGE.share] = share;
    average[AVERAGE.steps] = steps;
    const buffers = {
      step: bench.floats("step", step),
      average: bench.floats("average", average),
      grad: bench.floats("grad", grad),
      y: bench.state("y", bitsOf(start)),
      z: bench.state("z", bitsOf(z)),
      x: bench.state("x", bitsOf(x)),
    };
    return {
      commands: parts.map((part) =>
        signum.record(bench.gpu, { part, count, beta: BETA, lrFactor, nonNegative, ...buffers })
      ),
      verify() {
        let wanted: SignumState = { y: start, z, x };
        if (steps > 0) {
          for (const part of parts) {
            if (part === "show") wanted = { ...wanted, y: wanted.x };
            else if (part === "blend") wanted = { ...wanted, y: blend(wanted, BETA) };
            else {
              const from = steps === 1 ? { y: start, z: start, x: start } : wanted;
              const after = reference(from, grad, {
                lr: LR * lrFactor,
                share,
                beta: BETA,
                nonNegative,
              });
              wanted = part === "step" ? after : { ...after, y: wanted.y };
            }
          }
        }
        const bounds = start.map((v, j) =>
          4 * EPS * (Math.abs(v) + Math.abs(z[j]) + Math.abs(x[j]) + LR * lrFactor)
        );
        assertClose(bench.floatsOf(buffers.z), wanted.z, bounds, "z");
        assertClose(bench.floatsOf(buffers.x), wanted.x, bounds, "x");
        assertClose(bench.floatsOf(buffers.y), wanted.y, bounds, "y");
        if (parts[0] === "show") {
          const held = steps > 0 ? buffers.x : undefined;
          const wantedBits = held ? bench.wordsOf(held) : bitsOf(start);
          assert.deepEqual(bench.wordsOf(buffers.y), wantedBits, "y as it is shown");
        }
      },
    };
  },
}));

Deno.test("signum descends by signs, averages, blends and shows the average", () =>
  checkKernel(cases, [whole, split, asHardware]));

Deno.test("signum blends to the same bits in one dispatch, in two, and after the average was shown", () => {
  let first: Uint32Array | undefined;
  const courses: SignumPart[][] = [["step"], ["descend", "blend"], ["step", "show", "blend"]];
  return checkKernel(courses.map((parts) => ({
    name: parts.join(", "),
    build(bench) {
      const count = 400;
      const step = new Float32Array(STEP.words).fill(LR);
      const average = new Float32Array([1, 4, SHARE, 4]);
      const y = bench.state("y", bitsOf(vector(count, { seed: 1 })));
      const shared = {
        step: bench.floats("step", step),
        average: bench.floats("average", average),
        grad: bench.floats("grad", vector(count, { seed: 2 })),
        y,
        z: bench.state("z", bitsOf(vector(count, { seed: 3 }))),
        x: bench.state("x", bitsOf(vector(count, { seed: 4 }))),
      };
      return {
        commands: parts.map((part) =>
          signum.record(bench.gpu, { part, count, beta: BETA, ...shared })
        ),
        verify() {
          first ??= bench.wordsOf(y);
          assert.deepEqual(bench.wordsOf(y), first);
        },
      };
    },
  })));
});
