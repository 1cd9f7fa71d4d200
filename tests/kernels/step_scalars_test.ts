import { SCALARS, type SITE, siteWord, STEP } from "../../lib/kernels/common.ts";
import { stepScalars } from "../../lib/kernels/step_scalars.ts";
import { clipFactor, stepScalars as reference } from "../../lib/reference/step_scalars.ts";
import { dot, type Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const SLOTS = 3;
const ROWS = 96;
const steps = [
  { name: "too long", limit: 1, scale: 3, slot: 0, sites: 1, targets: 1 },
  { name: "short enough", limit: 1, scale: 1e-3, slot: 2, sites: 3, targets: 2 },
  { name: "no limit", limit: 0, scale: 1000, slot: 1, sites: 5, targets: 1 },
  { name: "no gradient", limit: 1, scale: 0, slot: 1, sites: 2, targets: 2 },
];

function squareOf(m: Matrix): number {
  return m.reduce((sum, row) => sum + dot(row, row), 0);
}

const cases: KernelCase[] = steps.map(({ name, limit, scale, slot, sites, targets }, i) => ({
  name,
  build(bench) {
    // Partial sums of the squares of eight groups of gradients.
    const groups = Array.from({ length: 8 }, (_, g) => matrix(5, 6, { seed: 10 * i + g, scale }));
    const counts = [1234, 17, 0];
    const dead = 5;
    const before = Float32Array.from({ length: SCALARS.words }, (_, j) => j / 8 + 0.01);
    const scalars = bench.state("scalars", bitsOf(before));
    const step = new Uint32Array(STEP.words).fill(99);
    step[STEP.slot] = slot;
    const leftOut = i === 1 ? 32 : 0;
    step[STEP.leftOut] = leftOut;
    const fields = [SCALARS.total, SCALARS.clip, SCALARS.l0, siteWord(2, "fvu"), SCALARS.one];
    const ring = bench.output("ring", SLOTS * fields.length);
    return {
      commands: [stepScalars.record(bench.gpu, {
        limit,
        rows: ROWS,
        sites,
        targets,
        step: bench.words("step", step),
        norms: bench.floats("norms", groups.map(squareOf)),
        normWords: groups.length,
        activeCounts: bench.words("active", counts),
        counts: counts.length,
        deadCount: bench.words("dead", [9, dead]),
        deadPlace: 1,
        fields: bench.words("fields", fields),
        fieldCount: fields.length,
        scalars,
        ring,
      })],
      verify() {
        const { norm, clip } = clipFactor(groups, limit);
        const word = (site: number, w: Exclude<keyof typeof SITE, "words">) =>
          before[siteWord(site, w)];
        const own = Array.from({ length: sites }, (_, s) => ({
          weighted: word(s, "weighted"),
          error: word(s, "error"),
          spread: word(s, "spread"),
        }));
        const penalties = [before[SCALARS.sparsityLoss], before[SCALARS.preActLoss]];
        const wanted = reference({ sites: own, targets, penalties, counts, rows: ROWS - leftOut });
        const expected = Float64Array.from(before);
        expected[SCALARS.clip] = clip;
        expected[SCALARS.total] = wanted.total;
        expected[SCALARS.fvu] = wanted.fvu;
        expected[SCALARS.l0] = wanted.l0;
        expected[SCALARS.dead] = dead;
        expected[SCALARS.gradNorm] = norm;
        expected[SCALARS.squaredError] = wanted.error;
        expected[SCALARS.spread] = wanted.spread;
        const bounds = expected.map((v) => 16 * EPS * Math.abs(v));
        const found = bench.floatsOf(scalars);
        assertClose(found, expected, bounds, "scalar");
        const floats = bench.floatsOf(ring);
        const width = fields.length;
        const row = floats.subarray(slot * width, (slot + 1) * width);
        assertClose(row, fields.map((f) => found[f]), fields.map(() => 0), "number of the ring");
        const others = floats.filter((_, j) => Math.floor(j / width) !== slot);
        if (!others.every(Number.isNaN)) throw new Error("another row of the ring was written");
      },
    };
  },
}));

Deno.test("stepScalars clips, adds up sites and writes its row of the ring", () =>
  checkKernel(cases));
