import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Command } from "../../lib/gpu/program.ts";
import { type CapacityPlan, planCandidates, planCapacity } from "../../lib/kernels/capacity.ts";
import { emitPanel } from "../../lib/kernels/emit_panel.ts";
import {
  type CodePair,
  emitGated,
  emitJump,
  emitPanel as reference,
} from "../../lib/reference/emit_panel.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import type { Bench } from "./bench.ts";
import { checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { split, whole, withoutSubgroups } from "./device.ts";
import { entriesOf, readEntries, rowLists } from "./row_lists.ts";
import { matrix, vector } from "./samples.ts";

interface Emission {
  name: string;
  scores: Matrix;
  panel: number;
  /** Latents of a slice; a whole panel where absent. */
  slice?: number;
  bar?: { word: number } | { vector: Float64Array };
  /** Bound of the latents that only the GPU knows. */
  count?: number;
  map?: (latent: number) => number;
  /** Floors of the rows, which all slices but the first obey. */
  floors?: number[];
}

function awkward(): Matrix {
  const m = matrix(9, 130, { seed: 5 });
  for (const row of m) for (let l = 0; l < 130; l += 3) row[l] = [NaN, 0, -0, Infinity][l % 4];
  m[4].fill(NaN);
  m[5].fill(-1);
  m[6].fill(2);
  return m;
}

const emissions: Emission[] = [
  { name: "one latent", scores: matrix(1, 1, { seed: 8 }), panel: 64 },
  { name: "primes", scores: matrix(37, 131), panel: 64 },
  { name: "many rows", scores: matrix(131, 67), panel: 64 },
  { name: "zeros, NaN, infinity, a full row", scores: awkward(), panel: 64 },
  { name: "a constant bar", scores: matrix(21, 200), panel: 128, bar: { word: 0.75 } },
  { name: "a bar of infinity", scores: matrix(3, 80), panel: 64, bar: { word: Infinity } },
  {
    name: "a bar a latent, some below zero",
    scores: matrix(40, 197, { seed: 2 }),
    panel: 64,
    bar: { vector: vector(197, { seed: 3 }) },
  },
  {
    name: "scores equal to the bar do not pass",
    scores: matrix(5, 90, { seed: 2 }).map((row, r, all) => r < 3 ? all[0] : row),
    panel: 64,
    bar: { vector: matrix(5, 90, { seed: 2 })[0] },
  },
  { name: "fewer latents on the GPU", scores: matrix(12, 150), panel: 64, count: 67 },
  {
    name: "places in a list",
    scores: matrix(12, 150, { seed: 7 }),
    panel: 128,
    count: 131,
    map: (l) => 5 * l + 2,
  },
  {
    name: "slices and floors",
    scores: matrix(18, 300, { seed: 9 }),
    panel: 128,
    slice: 48,
    floors: Array.from({ length: 18 }, (_, r) => r % 3 === 0 ? -1 : r / 9),
  },
];

/** Commands for every slice of every panel; the padding of a panel would pass if it were looked at. */
function slices(
  bench: Bench,
  { scores, panel, slice = panel }: Pick<Emission, "scores" | "panel" | "slice">,
  record: (args: Parameters<typeof emitPanel.record>[1], first: boolean) => Command,
): Command[] {
  const latents = scores[0].length;
  const commands: Command[] = [];
  for (let first = 0; first < latents; first += panel) {
    const part = new Float32Array(scores.length * panel).fill(1e30);
    scores.forEach((row, r) => part.set(row.subarray(first, first + panel), r * panel));
    const buffer = bench.floats(`panel at ${first}`, part);
    const width = Math.min(panel, latents - first);
    for (let from = 0; from < width; from += slice) {
      const args = {
        scores: buffer,
        panel,
        firstLatent: first,
        from,
        latents: Math.min(slice, width - from),
      };
      commands.push(record(args as Parameters<typeof emitPanel.record>[1], first + from === 0));
    }
  }
  return commands;
}

const roomy = (latents: number, floors: boolean): CapacityPlan => {
  const capacity = roundUp(latents, 4);
  return { capacity, keep: capacity - (floors ? 1 : 0), slice: Infinity };
};

const cases: KernelCase[] = emissions.map((e) => ({
  name: e.name,
  build(bench) {
    const latents = e.scores[0].length;
    const lists = rowLists(
      bench,
      e.scores.length,
      roomy(latents, e.floors !== undefined),
      e.floors,
    );
    const bar = e.bar && "word" in e.bar
      ? { buffer: bench.vector("bars", [7, 7, 7, 7, 7, e.bar.word]), word: 5 }
      : e.bar && { buffer: bench.vector("bars", e.bar.vector) };
    const map = e.map &&
      bench.words("map", Array.from({ length: e.count ?? latents }, (_, l) => e.map!(l)));
    const count = bench.words("count", [e.count ?? latents]);
    return {
      commands: slices(
        bench,
        e,
        (args) => emitPanel.record(bench.gpu, { ...args, lists, bar, map, count }),
      ),
      verify() {
        const wanted = reference(e.scores, (latent, row) => {
          const own = e.bar && ("word" in e.bar ? e.bar.word : e.bar.vector[latent]);
          const floor = latent >= (e.slice ?? 0) ? e.floors?.[row] : undefined;
          return Math.max(own ?? 0, floor ?? 0);
        }, e.count);
        const mapped: Code = wanted.map((row) =>
          row.map(({ latent, value }) => ({ latent: e.map ? e.map(latent) : latent, value }))
        );
        assert.deepEqual(readEntries(bench, lists.code), entriesOf(mapped));
      },
    };
  },
}));

interface Pair {
  name: string;
  scores: Matrix;
  panel: number;
  slice?: number;
  rule: "jump" | "gated";
  floors?: [number[], number[]];
}

const pairs: Pair[] = [
  { name: "jump, one latent", scores: matrix(1, 1, { seed: 8 }), panel: 64, rule: "jump" },
  { name: "jump, primes", scores: matrix(37, 131), panel: 64, rule: "jump" },
  { name: "jump, NaN and zeros", scores: awkward(), panel: 64, rule: "jump" },
  {
    name: "jump, floors",
    scores: matrix(18, 150, { seed: 4 }),
    panel: 64,
    slice: 32,
    rule: "jump",
    floors: [
      Array.from({ length: 18 }, (_, r) => r % 2 ? 1 : -1),
      Array.from({ length: 18 }, (_, r) => [-1, 0, 0.8][r % 3]),
    ],
  },
  { name: "gated, primes", scores: matrix(37, 131), panel: 64, rule: "gated" },
  { name: "gated, two panels", scores: matrix(70, 200, { seed: 6 }), panel: 128, rule: "gated" },
];

const WINDOW = 0.5;

const pairCases: KernelCase[] = pairs.map((p) => ({
  name: p.name,
  build(bench) {
    const rows = p.scores.length;
    const latents = p.scores[0].length;
    const theta = vector(latents, { seed: 31, scale: 0.4 });
    const [r, bGate, bMag] = [32, 33, 34].map((seed) => vector(latents, { seed, scale: 0.5 }));
    const stride = roundUp(latents, 64);
    const packed = new Float32Array(3 * stride);
    [r, bGate, bMag].forEach((v, i) => packed.set(v, i * stride));
    const plan = roomy(latents, p.floors !== undefined);
    const lists = rowLists(bench, rows, plan, p.floors?.[0], " 1");
    const wider = { ...plan, capacity: plan.capacity + 4, keep: plan.keep + 4 };
    const second = rowLists(bench, rows, wider, p.floors?.[1], " 2");
    const rule = p.rule === "jump"
      ? { kind: "jump" as const, theta: bench.vector("theta", theta), window: WINDOW }
      : { kind: "gated" as const, params: bench.floats("params", packed), stride };
    return {
      commands: slices(
        bench,
        p,
        (args) => emitPanel.recordPair(bench.gpu, { ...args, lists, second, rule }),
      ),
      verify() {
        const all: CodePair = p.rule === "jump"
          ? emitJump(p.scores, theta, WINDOW)
          : emitGated(p.scores, { r, bGate, bMag });
        const cut = (code: Code, floors?: number[]): Code =>
          code.map((row, i) =>
            row.filter(({ latent, value }) =>
              !floors || latent < (p.slice ?? 0) || value > floors[i]
            )
          );
        sameWithin(readEntries(bench, lists.code), cut(all.active, p.floors?.[0]));
        sameWithin(readEntries(bench, second.code), cut(all.second, p.floors?.[1]));
      },
    };
  },
}));

/** Same latents; values to a few units of the last place of their terms, which are of size 1. */
function sameWithin(got: number[][], wanted: Code): void {
  wanted.forEach((row, r) => {
    assert.deepEqual(got[r].filter((_, i) => i % 2 === 0), row.map((e) => e.latent), `row ${r}`);
    const values = new Float32Array(Uint32Array.from(got[r].filter((_, i) => i % 2)).buffer);
    row.forEach((e, i) => {
      if (e.value === values[i]) return;
      assert.ok(Math.abs(values[i] - e.value) <= 16 * EPS * (1 + e.value), `row ${r}, entry ${i}`);
    });
  });
}

/** The adapter as if it were hardware, so that a subgroup takes a row. */
async function subgroups(): Promise<Gpu> {
  const gpu = await whole();
  return { ...gpu, facts: { ...gpu.facts, software: false } };
}

Deno.test("emitPanel appends what passes, latents ascending, by threads and by subgroups", async () => {
  const { facts } = await subgroups();
  assert.equal(emitPanel.plan({ rows: 9 }, facts).lanes, facts.subgroupSize || 1);
  assert.equal(emitPanel.plan({ rows: 9 }, { ...facts, software: true }).lanes, 1);
  await checkKernel([...cases, ...pairCases], [whole, split, withoutSubgroups, subgroups]);
});

Deno.test("golden values of JumpReLU: active and window", () => {
  // Architectures spec, section 4.1: θ = 1, ε = 0.5.
  const h = Float64Array.of(-0.3, 0.05, 0.9, 1.05, 1.6, 3);
  const { active, second } = emitJump([h], new Float64Array(6).fill(1), 0.5);
  assert.deepEqual(active[0].map((e) => [e.latent, e.value]), [[3, 1.05], [4, 1.6], [5, 3]]);
  assert.deepEqual(second[0].map((e) => [e.latent, e.value]), [[2, 0], [3, 1.05]]);
});

Deno.test("planCapacity() gives every latent room or leaves room for a slice", () => {
  const facts = { maxBindingBytes: 128 * 2 ** 20 };
  const free = planCapacity(2048, 3072, facts);
  assert.deepEqual(free, { capacity: 3072, keep: 3072, slice: Infinity });
  for (const [rows, latents] of [[4096, 65536], [2048, 24576], [16384, 65536], [65536, 9999]]) {
    const plan = planCapacity(rows, latents, facts);
    assert.ok(plan.capacity * rows * 16 <= facts.maxBindingBytes);
    assert.ok(plan.keep + plan.slice <= plan.capacity && plan.keep >= plan.capacity / 2);
    assert.ok(plan.slice % 4 === 0 && plan.slice >= 4 && plan.capacity % 4 === 0);
  }
  // Bindings so small that only a few entries fit.
  const tight = planCapacity(64, 64, { maxBindingBytes: 64 * 64 * 4 });
  assert.equal(tight.capacity, 16);
  assert.ok(tight.keep >= 8 && tight.keep + tight.slice <= 16);
  assert.throws(() => planCapacity(2e6, 4096, facts), /Cannot plan the codes of 2000000 rows/);
});

Deno.test("planCandidates() leaves room for a slice behind the candidates, or for every latent", () => {
  const facts = { maxBindingBytes: 128 * 2 ** 20 };
  const shapes = [[2048, 24576, 128], [2048, 3072, 128], [2048, 1401, 128], [64, 45, 45], [
    64,
    45,
    99,
  ]];
  for (const [rows, latents, wanted] of [...shapes, [16384, 131072, 512], [30000, 131072, 512]]) {
    const { capacity, keep, slice } = planCandidates(rows, latents, wanted, facts);
    const what = `${rows} rows of ${latents}: ${capacity}, ${keep}, ${slice}`;
    assert.equal(keep, Math.min(wanted, capacity), what);
    assert.ok(capacity % 4 === 0 && slice % 4 === 0 && slice >= 4, what);
    assert.ok(capacity >= latents || capacity >= keep + slice, what);
    assert.ok(rows * capacity * 8 <= facts.maxBindingBytes, what);
  }
  assert.deepEqual(planCandidates(2048, 24576, 128, facts), {
    ...{ capacity: 1408, keep: 128, slice: 1024 },
  });
  assert.throws(() => planCandidates(32768, 24576, 512, facts), {
    name: "SdmError",
    message:
      "Cannot plan the candidates of 32768 rows: one buffer has room for 512 of a row, 517 " +
      "are needed",
  });
});
