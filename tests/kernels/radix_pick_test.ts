import assert from "assert";
import type { Command } from "../../lib/gpu/program.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { radixCount } from "../../lib/kernels/radix_count.ts";
import { type Following, radixPick } from "../../lib/kernels/radix_pick.ts";
import { BATCH_STATE, DIGITS, FOUND } from "../../lib/kernels/radix_state.ts";
import { bits32 } from "../../lib/reference/radix_count.ts";
import { kthValue, radixPick as reference } from "../../lib/reference/radix_pick.ts";
import type { Code } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { awkwardCodes, code, vector } from "./samples.ts";

interface Pick {
  name: string;
  /** All positive scores. */
  code: Code;
  wanted: number;
  following?: Following;
  /** What scores had to exceed to be candidates. */
  guess?: number;
  /** Average or gate before. */
  before?: number;
  track?: boolean;
  /** Dead latents and k of a row, in place of `wanted`. */
  dead?: { count: number; k: number };
  /** Entries that there is room for. */
  most?: number;
}

const NOTHING: Following = { kind: "nothing", rate: 0 };
const average = (rate: number): Following => ({ kind: "average", rate });
const quantile = (rate: number): Following => ({ kind: "quantile", rate });
const control = (rate: number): Following => ({ kind: "control", rate });

const random = code(37, 60, 20, { seed: 5 });
const entries = random.flat().length;
const wide = vector(400, { seed: 4, wide: true });
const far = random.map((row, r) =>
  row.map((e, i) => ({ ...e, value: Math.abs(wide[(7 * r + i) % 400]) }))
);
const tied = random.map((row, r) =>
  row.map((e, i) => ({ ...e, value: [0.5, 1, 1, 2][(3 * r + i) % 4] }))
);
const equal = random.map((row) => row.map((e) => ({ ...e, value: 0.7 })));
/** About the value that a fifth of the entries exceed. */
const high = kthValue(random, Math.floor(entries / 5)).value;
const low = kthValue(random, Math.floor(entries / 2)).value;

const picks: Pick[] = [
  ...awkwardCodes().map(({ name, code }) => ({ name, code, wanted: 3 })),
  { name: "the largest", code: random, wanted: 1 },
  { name: "a third", code: random, wanted: Math.floor(entries / 3) },
  { name: "as many as there are", code: random, wanted: entries },
  { name: "more than there are", code: random, wanted: entries + 1 },
  { name: "none", code: random, wanted: 0 },
  { name: "more than there is room for", code: random, wanted: 300, most: 200 },
  { name: "sizes far apart", code: far, wanted: 100 },
  { name: "ties", code: tied, wanted: Math.floor(entries / 2) },
  { name: "all equal", code: equal, wanted: 50 },
  { name: "few dead latents", code: random, wanted: 0, dead: { count: 2, k: 9 } },
  { name: "many dead latents", code: random, wanted: 0, dead: { count: 900, k: 3 } },
  { name: "first average", code: random, wanted: 100, following: average(0.001), track: true },
  { name: "untracked", code: random, wanted: 100, following: average(0.001), before: 0.4 },
  {
    name: "average goes on",
    code: random,
    wanted: 100,
    following: average(0.001),
    before: 0.4,
    track: true,
    guess: low,
  },
  {
    name: "too few for an average",
    code: random,
    wanted: entries + 5,
    following: average(0.001),
    before: 0.4,
    track: true,
  },
  {
    name: "a guess that is too high",
    code: random,
    wanted: Math.floor(entries / 3),
    following: average(0.1),
    before: 0.4,
    track: true,
    guess: high,
  },
  { name: "first gate", code: random, wanted: 100, following: quantile(0.01) },
  { name: "gate", code: random, wanted: 100, following: quantile(0.01), before: 0.6, guess: 0.3 },
  {
    name: "gate above which too few lie",
    code: random,
    wanted: Math.floor(entries / 3),
    following: quantile(0.01),
    before: high,
    guess: high,
  },
  {
    name: "gate over nothing",
    code: random,
    wanted: entries + 1,
    following: quantile(0.01),
    before: 2,
  },
  { name: "first control", code: random, wanted: 100, following: control(0.001) },
  {
    name: "too many pass",
    code: random,
    wanted: 50,
    following: control(0.01),
    before: low,
    guess: low,
  },
  {
    name: "too few pass",
    code: random,
    wanted: entries - 5,
    following: control(0.01),
    before: low,
    guess: low,
  },
];

const cases: KernelCase[] = picks.map((p) => ({
  name: p.name,
  build(bench) {
    const rows = p.code.length;
    const { following = NOTHING, guess = 0, before = 0 } = p;
    const step = new Uint32Array(STEP.words);
    step[STEP.batchK] = p.wanted;
    step[STEP.k] = p.dead?.k ?? 77;
    step[STEP.track] = p.track ? 1 : 0;
    const stepBuffer = bench.words("step", step);
    const dead = p.dead && bench.words("dead", [p.dead.count]);
    const state = new Uint32Array(BATCH_STATE.words);
    state[BATCH_STATE.guess] = bitsOf([guess])[0];
    state[BATCH_STATE.average] = bitsOf([before])[0];
    const radix = {
      bins: bench.state("bins", new Uint32Array(256)),
      // What an earlier batch left.
      found: bench.state("found", new Uint32Array(FOUND.words).fill(1)),
      state: bench.state("state", state),
    };
    const asked = p.dead ? rows * Math.min(p.dead.k, p.dead.count) : p.wanted;
    const wanted = Math.min(asked, p.most ?? asked);
    const above = p.code.map((row) => row.filter((e) => e.value > Math.fround(guess)));
    const retried = above.flat().length < wanted && guess > 0 && following.kind !== "control";
    const rowsOf = (code: Code) => bench.code(code, 60, code.map((row) => row.map(() => 0)));
    const candidates = rowsOf(above);
    const again = rowsOf(p.code);
    const used = retried ? again : candidates;
    const pick = (digit: number, again = false) =>
      radixPick.record(bench.gpu, {
        radix,
        rows,
        most: p.most ?? 99999,
        digit,
        again,
        step: stepBuffer,
        dead,
        following,
      });
    // The GPU skips the second try by itself where none is needed; here the host knows.
    const commands: Command[] = [
      radixCount.record(bench.gpu, candidates, radix, 0),
      pick(0),
      ...retried ? [radixCount.record(bench.gpu, again, radix, 0)] : [],
      pick(0, true),
      ...DIGITS.slice(1).flatMap((_, i) => [
        radixCount.record(bench.gpu, used, radix, i + 1),
        pick(i + 1),
      ]),
    ];
    return {
      commands,
      verify() {
        const found = bench.wordsOf(radix.found);
        const seen = retried ? p.code : above;
        const gated = before > 0 && ["quantile", "control"].includes(following.kind);
        const kth = kthValue(seen, wanted);
        assert.equal(found[FOUND.short], 0);
        assert.equal(found[FOUND.total], seen.flat().length);
        assert.ok(bench.wordsOf(radix.bins).every((n) => n === 0), "bins are left");
        if (gated || kth.value === 0 && wanted > 0) {
          const bits = gated ? bits32(before) : 0;
          assert.deepEqual(
            [found[FOUND.prefix], found[FOUND.remaining], found[FOUND.ties]],
            [bits, 0, 0],
          );
        } else if (wanted > 0) {
          assert.deepEqual(
            [found[FOUND.prefix], found[FOUND.remaining], found[FOUND.ties]],
            [bits32(kth.value), wanted - kth.above, kth.ties],
          );
        } else assert.ok(found[FOUND.prefix] > 0x7f800000, "everything would pass");
        const got = bench.floatsOf(radix.state);
        if (following.kind === "nothing") {
          assert.deepEqual([...got.slice(0, 2)], [Math.fround(guess), Math.fround(before)]);
          return;
        }
        const { kind, rate } = following;
        const follow = { kind, rate, rows, wanted, track: p.track ?? false };
        const next = reference(seen, before, follow);
        const near = (value: number, expected: number, what: string) =>
          assert.ok(Math.abs(value - expected) <= 4 * EPS * expected, `${what} is ${value}`);
        near(got[BATCH_STATE.average], next, "the threshold");
        const nextGuess = kind === "average"
          ? 0.8 * kth.value
          : kind === "quantile"
          ? 0.8 * Math.min(next, kth.value)
          : next;
        near(got[BATCH_STATE.guess], nextGuess, "the guess");
        near(got[BATCH_STATE.report], next || kth.value, "what is reported");
      },
    };
  },
}));

Deno.test("radixPick finds the K-th largest value of a batch, and what follows it", () =>
  checkKernel(cases));
