import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { DeviceFacts } from "../../lib/gpu/facts.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { planLanes, ROW_LANES, sumsInSubgroups } from "../../lib/kernels/picks.ts";
import { pursuitStep } from "../../lib/kernels/pursuit_step.ts";
import type { PickLists } from "../../lib/reference/pursuit_finish.ts";
import { pursuitStep as reference } from "../../lib/reference/pursuit_step.ts";
import { dot, type Entry, type Matrix } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { asHardware, whole, withoutSubgroups } from "./device.ts";
import { heldPicks, picksOf } from "./pursuit_samples.ts";
import { matrix } from "./samples.ts";
import { writeTexelRows } from "./texel_rows.ts";

interface Steps {
  name: string;
  scores: Matrix;
  gram: Matrix;
  iterations: number;
  /** Iterations that were made before, on the host. */
  begin?: number;
  gives?: "picks" | "best";
  signed?: boolean;
  /** Word k of `step`. */
  k?: number;
  /** Rows that have stopped. */
  done?: number[];
  /** Rows of the batch before the chunk. */
  firstRow?: number;
}

/** Products of unit rows, so that a pursuit does not grow. */
function gramOf(latents: number, d: number, seed: number): Matrix {
  const w = matrix(latents, d, { seed });
  const norms = w.map((row) => Math.sqrt(dot(row, row)));
  return w.map((a, i) =>
    Float64Array.from(w, (b, j) => Math.fround(dot(a, b) / norms[i] / norms[j]))
  );
}

/** Small whole numbers: exact in float32, and full of ties. */
function integers(rows: number, cols: number, seed: number, least: number, most: number): Matrix {
  const stream = new RandomStream(seed, "whole numbers");
  return Array.from(
    { length: rows },
    (_, r) =>
      Float64Array.from({ length: cols }, (_, c) => least + stream.below(most - least, r, c)),
  );
}

function withNaN(): Matrix {
  const m = matrix(5, 70, { seed: 3 });
  for (let l = 0; l < 70; l += 2) m[1][l] = NaN;
  m[3].fill(NaN);
  return m;
}

const all: Steps[] = [
  { name: "one latent", scores: matrix(2, 1), gram: gramOf(1, 3, 1), iterations: 1 },
  { name: "primes", scores: matrix(37, 131, { seed: 1 }), gram: gramOf(131, 30, 2), iterations: 6 },
  {
    name: "both signs",
    scores: matrix(9, 67, { seed: 2 }).map((row) => row.map((v) => -Math.abs(v) - 0.5)),
    gram: gramOf(67, 50, 3),
    iterations: 5,
    signed: true,
  },
  {
    name: "ties",
    scores: integers(20, 70, 4, -1, 4),
    gram: integers(70, 70, 5, -2, 3),
    iterations: 4,
  },
  {
    name: "begun already",
    scores: matrix(11, 128, { seed: 6 }),
    gram: gramOf(128, 40, 7),
    iterations: 5,
    begin: 2,
  },
  {
    name: "the best is handed on",
    scores: matrix(13, 90, { seed: 8 }),
    gram: gramOf(90, 40, 9),
    iterations: 4,
    begin: 3,
    gives: "best",
  },
  {
    name: "the first best",
    scores: matrix(6, 90, { seed: 8 }),
    gram: gramOf(90, 40, 9),
    iterations: 1,
    gives: "best",
  },
  {
    name: "stopped rows stay as they are",
    scores: matrix(8, 66, { seed: 10 }),
    gram: gramOf(66, 40, 11),
    iterations: 3,
    done: [1, 4, 5],
  },
  {
    name: "fewer iterations than there is room for",
    scores: matrix(7, 64, { seed: 12 }),
    gram: gramOf(64, 20, 13),
    iterations: 6,
    k: 2,
  },
  {
    name: "a chunk of the rows",
    scores: matrix(10, 80, { seed: 14 }),
    gram: gramOf(80, 20, 15),
    iterations: 3,
    firstRow: 64,
  },
  { name: "NaN is never picked", scores: withNaN(), gram: gramOf(70, 20, 16), iterations: 4 },
];

/** Scores that a thread holds several of; too wide for the narrow bindings below. */
const wide: Steps = {
  name: "more than a subgroup holds",
  scores: matrix(5, 2100, { seed: 17 }),
  gram: gramOf(2100, 12, 18),
  iterations: 7,
};

/** Iterations [begin, end) on one row; the picks before are given. */
function pursue(s: Steps, r: number, before: readonly Entry[], end: number) {
  let scores = s.scores[r];
  let best: Entry | undefined;
  const picks = [...before];
  for (let t = before.length; t < end; t++) {
    ({ scores, best } = reference(scores, s.gram, picks[t - 1]));
    if (!best || best.value === 0 || (!s.signed && best.value < 0)) break;
    picks.push(best);
  }
  return { scores, best, picks };
}

function build(s: Steps, texels: boolean): KernelCase["build"] {
  return (bench) => {
    const { gram: g, begin = 0, firstRow = 0, gives = "picks" } = s;
    const rows = s.scores.length;
    const latents = g.length;
    const before: PickLists = s.scores.map((_, r) => {
      // Any picks will do as long as they are there: the scores are those before the last of them.
      return Array.from(
        { length: begin },
        (_, t) => ({ latent: (7 * r + t) % latents, value: 0.5 }),
      );
    });
    const picks = heldPicks(
      bench,
      [...new Array(firstRow).fill([]), ...before],
      s.iterations,
      {
        lists: "write",
        order: "read",
        done: Array.from({ length: firstRow + rows }, (_, r) => s.done?.includes(r) ? 1 : 0),
      },
    );
    const gram = texels ? writeTexelRows(bench.gpu, "gram", g, 1) : bench.rows("gram", g);
    // Behind the latents stand numbers that would win.
    const stride = Math.ceil(latents / 4) * 4;
    const padded = new Float32Array(rows * stride).fill(1e30);
    s.scores.forEach((row, r) => padded.set(row, r * stride));
    const plan = pursuitStep.plan(bench.gpu.facts, latents);
    const registers = texels && gives === "picks" && begin === 0 && plan !== undefined;
    // What goes on in registers leaves the scores as they are.
    const scores = registers
      ? bench.floats("scores", padded)
      : bench.state("scores", bitsOf(padded));
    const step = new Uint32Array(STEP.words);
    step[STEP.k] = s.k ?? 0;
    return {
      commands: pursuitStep.record(bench.gpu, {
        picks,
        gram,
        scores,
        firstRow,
        rows,
        step: bench.words("step", step),
        begin,
        end: s.iterations,
        gives,
        relu: !s.signed,
        limited: s.k !== undefined,
      }),
      verify() {
        const lists = picksOf(bench, picks);
        const left = bench.floatsOf(scores);
        const values = bench.floatsOf(picks.best);
        const numbers = bench.wordsOf(picks.best);
        lists.slice(0, firstRow).forEach((row) => assert.equal(row.length, 0, "another chunk"));
        before.forEach((earlier, r) => {
          const idle = s.done?.includes(r);
          const end = gives === "best" ? s.iterations : Math.min(s.iterations, s.k ?? Infinity);
          const wanted = pursue(s, r, earlier, idle ? begin : end);
          const got = lists[firstRow + r];
          const kept = gives === "best" ? earlier : wanted.picks;
          assert.deepEqual(
            got.map((p) => p.latent),
            kept.map((p) => p.latent),
            `picks of row ${r}`,
          );
          const most = Math.max(...s.scores[r].map(Math.abs).filter(Number.isFinite), 0);
          const taken = wanted.picks.reduce((sum, p) => sum + Math.abs(p.value) * 3, 0);
          const bound = EPS * (s.iterations + 2) * (most + taken);
          const close = (a: ArrayLike<number>, b: ArrayLike<number>, what: string) => {
            const finite = Array.from(b, (v) => Number.isNaN(v) ? Infinity : bound);
            const numbers = Array.from(a, (v, i) => finite[i] === Infinity ? 0 : v);
            const others = Array.from(b, (v) => Number.isNaN(v) ? 0 : v);
            assertClose(numbers, others, finite, `${what} of row ${r}`);
          };
          close(got.map((p) => p.value), kept.map((p) => p.value), "values");
          const from = r * stride;
          if (!registers) close(left.subarray(from, from + latents), wanted.scores, "scores");
          if (gives === "best") {
            assert.equal(numbers[2 * r + 1], wanted.best!.latent, `best of row ${r}`);
            close([values[2 * r]], [wanted.best!.value], "best");
          }
        });
      },
    };
  };
}

const casesWith = (texels: boolean): KernelCase[] =>
  (texels ? [...all, wide] : all).map((s) => ({ name: s.name, build: build(s, texels) }));
const cases = casesWith(false);

/** Bindings that hold 64 rows of 132 floats: matrices of products with more rows need several. */
async function narrow(open: () => Promise<Gpu>): Promise<Gpu> {
  const gpu = await open();
  return { ...gpu, facts: { ...gpu.facts, maxBindingBytes: 64 * 132 * 4 } };
}

Deno.test("pursuitStep picks the largest scores and takes them off, a subgroup a row", () =>
  checkKernel(cases, [whole, () => narrow(whole)]));

Deno.test("pursuitStep picks the largest scores and takes them off, a workgroup a row", () =>
  checkKernel(cases, [withoutSubgroups, () => narrow(withoutSubgroups)]));

Deno.test("pursuitStep has the same bits with and without subgroups", () =>
  checkKernel(cases.slice(0, 4), [whole, withoutSubgroups]));

Deno.test("pursuitStep has the same bits with products in a texture, and with scores in registers", async () => {
  const registers = pursuitStep.plan((await whole()).facts, 2100);
  if (registers?.LANES === 8) assert.deepEqual(registers, { THREADS: 16, LANES: 8, VECS: 33 });
  await checkKernel(casesWith(true), [whole, asHardware, withoutSubgroups]);
});

Deno.test("pursuitStep keeps scores in registers on adapters on the CPU, in as few threads as can", async () => {
  const { facts } = await whole();
  const lavapipe = { ...facts, software: true, subgroupSize: 8 };
  assert.deepEqual(pursuitStep.plan(lavapipe, 16384), { THREADS: 64, LANES: 8, VECS: 64 });
  assert.deepEqual(pursuitStep.plan(lavapipe, 64), { THREADS: 8, LANES: 8, VECS: 2 });
  assert.equal(pursuitStep.plan({ ...lavapipe, subgroupSize: 0 }, 64), undefined);
  assert.equal(pursuitStep.plan({ ...lavapipe, software: false }, 64), undefined);
});

Deno.test("the threads of a row fill workgroups on every device that is stored", () => {
  for (const name of ["h200", "intel", "lavapipe", "m4", "minimal", "rtx4090"]) {
    const file = new URL(`../golden/devices/${name}.json`, import.meta.url);
    const facts = JSON.parse(Deno.readTextFileSync(file)) as DeviceFacts;
    const lanes = planLanes(facts, 64);
    assert.equal(64 % lanes.LANES, 0);
    assert.equal(lanes.SUBGROUPS, facts.subgroupSize > 0 ? 1 : 0, name);
    if (lanes.SUBGROUPS) assert.equal(lanes.LANES, facts.subgroupSize);
    // Eight threads that add up must not reach over the end of a subgroup.
    if (sumsInSubgroups(facts)) assert.equal(facts.subgroupSize % ROW_LANES, 0);
    else assert.ok(facts.subgroupSize < ROW_LANES);
  }
});

Deno.test("pursuitStep.record() refuses to hand on the best of several iterations", () => {
  const args = { gives: "best", begin: 0, end: 2 } as Parameters<typeof pursuitStep.record>[1];
  assert.throws(() => pursuitStep.record({} as Gpu, args), RangeError);
});
