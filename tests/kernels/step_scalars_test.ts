import { RING_FIELDS, SCALARS, STEP } from "../../lib/kernels/common.ts";
import { stepScalars } from "../../lib/kernels/step_scalars.ts";
import { clipFactor, stepScalars as reference } from "../../lib/reference/step_scalars.ts";
import { dot, type Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const SLOTS = 3;
const steps = [
  { name: "too long", limit: 1, alpha: 1 / 32, scale: 3, slot: 0 },
  { name: "short enough", limit: 1, alpha: 0.5, scale: 1e-3, slot: 2 },
  { name: "no limit", limit: 0, alpha: 0, scale: 1000, slot: 1 },
  { name: "no gradient", limit: 1, alpha: 1, scale: 0, slot: 1 },
];

function squareOf(m: Matrix): number {
  return m.reduce((sum, row) => sum + dot(row, row), 0);
}

const cases: KernelCase[] = steps.map(({ name, limit, alpha, scale, slot }, i) => ({
  name,
  build(bench) {
    // Four groups of latents stand for the four partial sums that column_sums leaves.
    const groups = [0, 1, 2, 3].map((g) => matrix(5, 6, { seed: 10 * i + g, scale }));
    const bias = matrix(1, 6, { seed: 10 * i + 9, scale });
    const [entries, dead, rows] = [1234, 17, 96];
    const before = Float32Array.from({ length: SCALARS.words }, (_, j) => j / 8 + 0.01);
    const scalars = bench.state("scalars", bitsOf(before));
    const step = new Uint32Array(STEP.words).fill(99);
    step[STEP.slot] = slot;
    const ring = bench.output("ring", SLOTS * RING_FIELDS.length);
    return {
      commands: [stepScalars.record(bench.gpu, {
        limit,
        alpha,
        rows,
        step: bench.words("step", step),
        latentSquares: bench.floats("latent squares", groups.map(squareOf)),
        biasSquares: bench.floats("bias squares", [squareOf(bias)]),
        activeCount: bench.words("active", [5, 6, entries]),
        activePlace: 2,
        deadCount: bench.words("dead", [9, dead]),
        deadPlace: 1,
        scalars,
        ring,
      })],
      verify() {
        const { norm, clip } = clipFactor([...groups, bias], limit);
        const expected = Float64Array.from(before);
        expected[SCALARS.clip] = clip;
        const bounds = expected.map((v) => 8 * EPS * Math.abs(v));
        assertClose(bench.floatsOf(scalars), expected, bounds, "scalar");
        const [fvu, auxLoss] = [before[SCALARS.fvu], before[SCALARS.auxLoss]];
        const { loss, l0 } = reference({ fvu, auxLoss, alpha, entries, rows });
        const numbers: Record<string, number> = {
          "loss/total": loss,
          "recon/fvu": fvu,
          "loss/auxk": auxLoss,
          "sparsity/l0": l0,
          "sparsity/dead": dead,
          grad_norm: norm,
          squared_error: before[SCALARS.squaredError],
          spread: before[SCALARS.spread],
        };
        const width = RING_FIELDS.length;
        const row = RING_FIELDS.map((field) => numbers[field]);
        const floats = bench.floatsOf(ring);
        const got = floats.subarray(slot * width, (slot + 1) * width);
        assertClose(got, row, row.map((v) => 8 * EPS * Math.abs(v)), "number of the ring's row");
        const others = floats.filter((_, j) => Math.floor(j / width) !== slot);
        if (!others.every(Number.isNaN)) throw new Error("another row of the ring was written");
      },
    };
  },
}));

Deno.test("stepScalars clips and writes its row of the metrics ring", () => checkKernel(cases));
