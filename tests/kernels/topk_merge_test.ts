import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { topkMerge } from "../../lib/kernels/topk_merge.ts";
import { topkMerge as reference } from "../../lib/reference/topk_merge.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { split, whole, withoutSubgroups } from "./device.ts";
import { matrix } from "./samples.ts";

const NONE = 0xffffffff;

/** What infinite scores count as. */
const LARGEST = Math.fround(3.4e38);

interface Selection {
  name: string;
  scores: Matrix;
  k: number;
  /** Latents of a panel. */
  panel: number;
  /** Largest k that the lists have room for. */
  room?: number;
  /** Bound of the latents that only the GPU knows. */
  count?: number;
  /** The step's k is so many times smaller. */
  times?: number;
}

/** Scores from few values, so that every row has many ties, zeros of both signs among them. */
function tied(rows: number, latents: number, values: number[]): Matrix {
  const stream = new RandomStream(6, "ties");
  return Array.from(
    { length: rows },
    (_, r) =>
      Float64Array.from({ length: latents }, (_, l) => values[stream.below(values.length, r, l)]),
  );
}

function falling(rows: number, latents: number): Matrix {
  return Array.from(
    { length: rows },
    (_, r) => Float64Array.from({ length: latents }, (_, l) => r % 2 ? l - 50 : latents - l),
  );
}

function rare(): Matrix {
  const m = matrix(9, 130, { seed: 5 });
  for (const row of m) for (let l = 0; l < 130; l += 3) row[l] = NaN;
  m[4].fill(NaN);
  return m;
}

const selections: Selection[] = [
  { name: "one latent", scores: matrix(1, 1), k: 1, panel: 64 },
  { name: "primes", scores: matrix(37, 131, { seed: 1 }), k: 5, panel: 64 },
  { name: "k 1", scores: matrix(65, 200, { seed: 2 }), k: 1, panel: 64 },
  { name: "k larger than the latents", scores: matrix(7, 6, { seed: 3 }), k: 16, panel: 64 },
  { name: "k as many as latents", scores: matrix(3, 64, { seed: 3 }), k: 64, panel: 64 },
  { name: "all scores equal", scores: tied(5, 300, [1.5]), k: 7, panel: 128 },
  { name: "few values", scores: tied(66, 190, [2, 1, 0.5, -1]), k: 9, panel: 64 },
  {
    // The few that win come late: of the equal ones in the list the highest latents have to leave.
    name: "ties at the end of the list",
    scores: tied(66, 190, [...new Array(30).fill(1), 2]),
    k: 11,
    panel: 64,
  },
  { name: "zeros of both signs", scores: tied(20, 100, [0, -0]), k: 6, panel: 64 },
  { name: "nothing positive", scores: tied(4, 70, [-1, -2, -0.25]), k: 3, panel: 64 },
  { name: "rising and falling", scores: falling(8, 260), k: 12, panel: 64 },
  { name: "NaN never enters", scores: rare(), k: 50, panel: 64 },
  { name: "sizes far apart", scores: matrix(33, 257, { seed: 4, wide: true }), k: 10, panel: 256 },
  {
    name: "annealed below its room",
    scores: matrix(10, 90, { seed: 6 }),
    k: 3,
    room: 21,
    panel: 64,
  },
  {
    name: "fewer latents on the GPU",
    scores: matrix(12, 150, { seed: 7 }),
    k: 8,
    panel: 64,
    count: 66,
  },
  { name: "a list longer than registers", scores: matrix(5, 400, { seed: 9 }), k: 259, panel: 128 },
  { name: "infinite scores", scores: tied(9, 150, [Infinity, 1, 2]), k: 18, panel: 64 },
  { name: "many registers", scores: matrix(11, 300, { seed: 10 }), k: 41, panel: 128 },
  {
    name: "many registers, few values",
    scores: tied(21, 500, [...new Array(40).fill(1), 2, 0.5]),
    k: 38,
    panel: 128,
    count: 391,
  },
  { name: "four times k", scores: matrix(9, 140, { seed: 9 }), k: 12, times: 4, panel: 64 },
  { name: "no latents on the GPU", scores: matrix(3, 64, { seed: 8 }), k: 4, panel: 64, count: 0 },
];

const cases: KernelCase[] = selections.map((s) => ({
  name: s.name,
  build(bench) {
    const rows = s.scores.length;
    const latents = s.scores[0].length;
    const capacity = roundUp(s.room ?? s.k, 4);
    const step = new Uint32Array(STEP.words);
    step[STEP.k] = s.k / (s.times ?? 1);
    const stepBuffer = bench.words("step", step);
    const count = bench.words("count", [s.count ?? latents]);
    // What an earlier batch left is NaN and nonsense here: the first panel has to empty the lists.
    const best = {
      rows,
      capacity,
      score: bench.output("score", rows * capacity),
      latent: bench.output("latent", rows * capacity),
      floors: bench.scratch("floors", rows * 2),
    };
    const commands = [];
    for (let first = 0; first < latents; first += s.panel) {
      // Padding that would win if it were looked at.
      const part = new Float32Array(rows * s.panel).fill(1e30);
      s.scores.forEach((row, r) => part.set(row.subarray(first, first + s.panel), r * s.panel));
      commands.push(topkMerge.record(bench.gpu, {
        best,
        scores: bench.floats(`panel at ${first}`, part),
        panel: s.panel,
        width: s.panel,
        firstLatent: first,
        latents,
        count,
        step: stepBuffer,
        times: s.times,
      }));
    }
    return {
      commands,
      verify() {
        const wanted = reference(s.scores, s.k, s.count);
        const scores = bench.floatsOf(best.score);
        const numbers = bench.wordsOf(best.latent);
        wanted.forEach((entries, r) => {
          const got = Array.from({ length: capacity }, (_, i) => ({
            latent: numbers[r * capacity + i],
            value: scores[r * capacity + i] + 0,
          })).filter(({ latent }) => latent !== NONE);
          const inOrder = entries.toSorted((a, b) => a.latent - b.latent)
            .map(({ latent, value }) => ({ latent, value: Math.min(value, LARGEST) + 0 }));
          assert.deepEqual(got.toSorted((a, b) => a.latent - b.latent), inOrder, `row ${r}`);
        });
      },
    };
  },
}));

/** A device that takes a variant wherever it can. */
function taking(open: () => Promise<Gpu>, name: string): () => Promise<Gpu> {
  return async () => {
    const gpu = await open();
    return { ...gpu, facts: { ...gpu.facts, tuning: { topk_merge: name } } };
  };
}

function variantOn(gpu: Gpu, capacity: number): string {
  return topkMerge.plan({ rows: 9, capacity, panel: 64 }, gpu.facts).variant;
}

Deno.test("topkMerge keeps the k largest, ties to the lowest latent, in a thread's registers", async () => {
  const open = taking(withoutSubgroups, "registers");
  assert.equal(variantOn(await open(), 16), "registers");
  assert.equal(variantOn(await open(), 4096), "thread");
  await checkKernel(cases, [open]);
});

Deno.test("topkMerge keeps the k largest, ties to the lowest latent, in memory", async () => {
  const open = taking(withoutSubgroups, "thread");
  assert.equal(variantOn(await open(), 16), "thread");
  await checkKernel(cases, [open]);
});

Deno.test("topkMerge keeps the k largest, ties to the lowest latent, a subgroup a row", async () => {
  const [all, some] = [whole, split].map((open) => taking(open, "subgroup"));
  const { facts } = await whole();
  // A software adapter has subgroups, so that CI runs all variants; long lists fall back on any device.
  if (facts.software) assert.ok(facts.subgroupSize > 0);
  if (facts.subgroupSize > 0) assert.equal(variantOn(await all(), 16), "subgroup");
  assert.equal(variantOn(await all(), 4096), "thread");
  await checkKernel(cases, [all, some]);
});

Deno.test("topkMerge keeps the k largest as a device takes it", () => checkKernel(cases));

Deno.test("topkMerge.record() refuses a width that is not the panel's", () => {
  // Checked before anything touches the device.
  const args = { width: 64, panel: 128 } as Parameters<typeof topkMerge.record>[1];
  const gpu = {} as Parameters<typeof topkMerge.record>[0];
  assert.throws(() => topkMerge.record(gpu, args), RangeError);
});
