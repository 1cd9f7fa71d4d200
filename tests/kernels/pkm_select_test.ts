import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { MINIMAL_FACTS } from "../../lib/gpu/facts.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { pkmSelect } from "../../lib/kernels/pkm_select.ts";
import { pkmSelect as reference } from "../../lib/reference/pkm_select.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { matrix, vector } from "./samples.ts";

interface Selection {
  name: string;
  m1: number;
  m2: number;
  /** The full grid where absent. */
  latents?: number;
  heads?: number;
  k: number;
  /** Entries that a row has room for, where that is more than k. */
  room?: number;
  /** Entries to keep in units of `k`. */
  times?: number;
  scores: Matrix;
  bias?: Float64Array;
}

/** Scores from few values, so that sums tie everywhere. */
function tied(rows: number, cols: number, values: number[]): Matrix {
  const stream = new RandomStream(11, "pkm ties");
  return Array.from(
    { length: rows },
    (_, r) =>
      Float64Array.from({ length: cols }, (_, c) => values[stream.below(values.length, r, c)]),
  );
}

/** Differences of u that rounding loses in the sum with a large v: the sub-keys' order is not that of the latents. */
function rounded(rows: number, m1: number, m2: number): Matrix {
  return matrix(rows, m1 + m2, { seed: 8, scale: 1e-6 }).map((row) =>
    row.map((value, i) => i < m1 ? value : Math.fround(64 + Math.round(value * 1e6)))
  );
}

function broken(): Matrix {
  const m = matrix(9, 20, { seed: 5 });
  m.forEach((row, r) => {
    row[(r * 7) % 20] = NaN;
    row[(r * 3) % 20] = NaN;
  });
  m[4].fill(NaN);
  return m;
}

const selections: Selection[] = [
  { name: "one latent", m1: 1, m2: 1, k: 1, scores: matrix(3, 2) },
  { name: "k 1", m1: 7, m2: 9, k: 1, scores: matrix(65, 16, { seed: 2 }) },
  { name: "primes", m1: 11, m2: 13, k: 5, scores: matrix(37, 24, { seed: 1 }) },
  { name: "k larger than a side", m1: 6, m2: 5, k: 17, scores: matrix(33, 11, { seed: 3 }) },
  { name: "k just above a side", m1: 8, m2: 5, k: 9, scores: matrix(33, 13, { seed: 15 }) },
  { name: "k larger than the grid", m1: 4, m2: 3, k: 40, scores: matrix(9, 7, { seed: 3 }) },
  { name: "more than a workgroup", m1: 33, m2: 28, k: 32, scores: matrix(5, 61, { seed: 4 }) },
  { name: "a long list", m1: 31, m2: 33, k: 600, scores: matrix(4, 64, { seed: 4, scale: 2 }) },
  { name: "padded", m1: 6, m2: 7, latents: 37, k: 6, scores: matrix(66, 13, { seed: 6 }) },
  { name: "padded, tied", m1: 4, m2: 9, latents: 28, k: 12, scores: tied(40, 13, [2, 1, 0.5]) },
  { name: "two heads", m1: 8, m2: 8, heads: 2, k: 8, scores: matrix(35, 32, { seed: 7 }) },
  { name: "three heads, k 10", m1: 5, m2: 6, heads: 3, k: 10, scores: matrix(35, 33, { seed: 7 }) },
  { name: "more heads than k", m1: 3, m2: 3, heads: 4, k: 2, scores: matrix(5, 24, { seed: 7 }) },
  // These have rows in several buffers on a device with small bindings.
  { name: "130 rows", m1: 20, m2: 40, k: 6, scores: matrix(130, 60, { seed: 13 }) },
  {
    name: "70 rows, 2 heads",
    m1: 13,
    m2: 17,
    heads: 2,
    k: 7,
    scores: matrix(70, 60, { seed: 14 }),
  },
  { name: "all equal", m1: 12, m2: 10, k: 17, scores: tied(5, 22, [1.5]) },
  { name: "few values", m1: 14, m2: 12, k: 20, scores: tied(66, 26, [2, 1, 0.5, -1]) },
  { name: "zeros of both signs", m1: 5, m2: 6, k: 4, scores: tied(20, 11, [0, -0, 1, -1]) },
  { name: "nothing positive", m1: 6, m2: 6, k: 3, scores: tied(4, 12, [-1, -2, 0]) },
  { name: "ties by rounding", m1: 16, m2: 16, k: 5, scores: rounded(40, 16, 16) },
  { name: "NaN never enters", m1: 10, m2: 10, k: 12, scores: broken() },
  {
    name: "sizes far apart",
    m1: 9,
    m2: 17,
    k: 20,
    scores: matrix(33, 26, { seed: 4, wide: true }),
  },
  { name: "four times k", m1: 7, m2: 9, k: 5, times: 4, scores: matrix(10, 16) },
  { name: "annealed below its room", m1: 9, m2: 9, k: 3, room: 21, scores: matrix(10, 18) },
  {
    name: "bias",
    m1: 9,
    m2: 8,
    latents: 70,
    k: 6,
    scores: matrix(34, 17, { seed: 9 }),
    bias: vector(70, { seed: 10 }),
  },
  {
    name: "bias, two heads, tied",
    m1: 5,
    m2: 7,
    heads: 2,
    k: 9,
    scores: tied(34, 24, [1, 0, -0.5]),
    bias: tied(1, 35, [0, 0.5, -1])[0],
  },
];

function caseOf(s: Selection): KernelCase {
  return {
    name: s.name,
    build(bench) {
      const { m1, m2, heads = 1, latents = m1 * m2, bias, times = 1 } = s;
      const rows = s.scores.length;
      const capacity = roundUp(Math.ceil((s.room ?? times * s.k) / heads), 4);
      const step = new Uint32Array(STEP.words);
      step[STEP.k] = s.k;
      const lists = {
        rows: rows * heads,
        capacity,
        spans: bench.output("spans", rows * heads * 2),
        entries: bench.scratch("entries", rows * heads * capacity * 2),
      };
      const found = () => {
        const words = bench.wordsOf(lists.spans);
        const all = bench.wordsOf(lists.entries);
        return Array.from(
          { length: rows * heads },
          (_, i) => [...all.slice(words[2 * i] * 2, words[2 * i + 1] * 2)],
        );
      };
      bench.compare("lists", () => Uint32Array.from(found().flat()));
      return {
        commands: pkmSelect.record(bench.gpu, {
          m1,
          m2,
          latents,
          heads,
          scores: bench.rows("scores", s.scores),
          bias: bias && bench.vector("bias", bias),
          step: bench.words("step", step),
          times,
          lists,
        }),
        verify() {
          const grid = { m1, m2, latents, heads, bias, round: Math.fround };
          const wanted = reference(s.scores, times * s.k, grid);
          const words = bench.wordsOf(lists.spans);
          found().forEach((got, i) => {
            assert.equal(words[2 * i], i * capacity, `begin of list ${i}`);
            const bits = wanted[i].flatMap((e) => [e.latent, bitsOf([e.value])[0]]);
            assert.deepEqual(got, bits, `list ${i}`);
          });
        },
      };
    },
  };
}

const cases = selections.map(caseOf);

/** Several numbers a thread, also of a workgroup of 64. */
const wide: KernelCase[] = [
  { name: "150 x 70", m1: 150, m2: 70, k: 32, scores: matrix(5, 220, { seed: 4 }) },
  { name: "all of 70 x 150", m1: 70, m2: 150, k: 10500, scores: matrix(2, 220, { seed: 4 }) },
  {
    name: "130 x 130, padded, tied",
    m1: 130,
    m2: 130,
    latents: 129 * 130 + 1,
    k: 500,
    scores: tied(3, 260, [1, 2, -1, 0.5]),
  },
].map(caseOf);

/** A device with too little workgroup memory for any list. */
async function cramped(): Promise<Gpu> {
  const gpu = await whole();
  return { ...gpu, facts: { ...gpu.facts, workgroupBytes: 0 } };
}

Deno.test("pkmSelect finds what an enumeration of all latents finds, ties to the lowest latent", async () => {
  const gpu = await whole();
  const plan = pkmSelect.plan({ rows: 9, m1: 9, m2: 9, latents: 81, heads: 1 }, gpu.facts);
  assert.equal(plan.variant, "shared");
  await checkKernel(cases, [whole, split]);
  await checkKernel(wide, [whole]);
});

Deno.test("pkmSelect finds the same with workgroups of 64 threads", async () => {
  const gpu = await asHardware();
  const plan = pkmSelect.plan({ rows: 9, m1: 9, m2: 9, latents: 81, heads: 1 }, gpu.facts);
  assert.equal(plan.defines.GROUP, 64);
  await checkKernel([...cases, ...wide], [asHardware]);
});

Deno.test("pkmSelect finds the same with its words in memory, more lists than workgroups", async () => {
  const many = { name: "1100 rows", m1: 3, m2: 3, k: 4, scores: matrix(1100, 6, { seed: 12 }) };
  const gpu = await cramped();
  const plan = pkmSelect.plan({ rows: 1100, m1: 3, m2: 3, latents: 9, heads: 1 }, gpu.facts);
  assert.equal(plan.variant, "memory");
  assert.ok(plan.groups < 1100);
  await checkKernel([...cases, caseOf(many)], [cramped]);
});

Deno.test("pkmSelect.plan() keeps a million latents in the workgroup memory of every device", () => {
  const shape = { rows: 2048, m1: 1024, m2: 1024, latents: 2 ** 20, heads: 1 };
  assert.equal(pkmSelect.plan(shape, MINIMAL_FACTS).variant, "shared");
  const larger = { ...shape, m1: 2048, m2: 2048, latents: 2 ** 22 };
  const plan = pkmSelect.plan(larger, MINIMAL_FACTS);
  assert.equal(plan.variant, "memory");
  assert.ok(plan.groups * plan.words * 4 <= MINIMAL_FACTS.maxBindingBytes);
});

Deno.test("pkmSelect.record() refuses a grid that does not hold the latents", () => {
  const args = { m1: 4, m2: 4, latents: 17, heads: 1 } as Parameters<typeof pkmSelect.record>[1];
  const gpu = {} as Parameters<typeof pkmSelect.record>[0];
  assert.throws(() => pkmSelect.record(gpu, args), RangeError);
  assert.throws(() => pkmSelect.record(gpu, { ...args, latents: 12 }), RangeError);
});
