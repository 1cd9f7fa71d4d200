import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { pursuitUpdate } from "../../lib/kernels/pursuit_update.ts";
import type { PickLists } from "../../lib/reference/pursuit_finish.ts";
import {
  type PursuitRules,
  pursuitUpdate as reference,
} from "../../lib/reference/pursuit_update.ts";
import { dot, type Entry } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { asHardware, split, whole, withoutSubgroups } from "./device.ts";
import { heldPicks, picksOf, randomPicks } from "./pursuit_samples.ts";
import { matrix } from "./samples.ts";

const NONE = 0xffffffff;

interface Update extends Partial<PursuitRules> {
  name: string;
  rows: number;
  d: number;
  latents: number;
  /** Picks before this iteration, and so its number. */
  t: number;
  /** Rows that have stopped. */
  done?: number[];
  firstRow?: number;
  /** The largest score of a row; drawn when absent. */
  best?: (row: number, earlier: readonly Entry[]) => Entry | undefined;
}

const updates: Update[] = [
  { name: "one number", rows: 1, d: 1, latents: 1, t: 0 },
  { name: "primes", rows: 37, d: 13, latents: 131, t: 3 },
  { name: "more columns than eight vec4s", rows: 19, d: 61, latents: 70, t: 2 },
  {
    name: "nothing positive",
    rows: 9,
    d: 6,
    latents: 20,
    t: 1,
    best: (r) => r % 3 ? { latent: r, value: r % 3 - 2 } : undefined,
  },
  {
    name: "negative picks",
    rows: 9,
    d: 6,
    latents: 20,
    t: 2,
    relu: false,
    best: (r) => ({ latent: r, value: 0.25 * (r - 4) }),
  },
  { name: "short residuals", rows: 70, d: 5, latents: 90, t: 1, threshold: 2.1 },
  {
    name: "repeated latents",
    rows: 40,
    d: 8,
    latents: 200,
    t: 11,
    stopOnDuplicates: true,
    best: (r, earlier) => ({ latent: r % 2 ? earlier[r % 11].latent : 199 - r, value: 0.5 }),
  },
  {
    name: "a pick that cancels another",
    rows: 6,
    d: 8,
    latents: 70,
    t: 3,
    relu: false,
    stopOnDuplicates: true,
    best: (r, earlier) => ({ latent: earlier[1].latent, value: -earlier[1].value * (r % 2 + 1) }),
  },
  {
    name: "everything at once, and rows that have stopped",
    rows: 65,
    d: 9,
    latents: 30,
    t: 6,
    threshold: 2.4,
    stopOnDuplicates: true,
    done: [0, 3, 17, 64],
  },
  { name: "some of the rows", rows: 10, d: 7, latents: 65, t: 2, threshold: 2.2, firstRow: 23 },
];

function draw(u: Update, row: number): Entry {
  const stream = new RandomStream(9, "best");
  return {
    latent: stream.below(u.latents, row, 0),
    value: Math.fround(stream.uniform(row, 1) + 0.1),
  };
}

function build(u: Update): KernelCase["build"] {
  return (bench) => {
    const { firstRow = 0, t } = u;
    const rules = {
      relu: u.relu ?? true,
      threshold: u.threshold ?? 0,
      stopOnDuplicates: u.stopOnDuplicates ?? false,
    };
    const all = firstRow + u.rows;
    const w = matrix(u.latents, u.d, { seed: 3 });
    const before = matrix(all, u.d, { seed: 4 });
    const earlier: PickLists = randomPicks(all, u.latents, t, { count: () => t });
    const stopped = Array.from({ length: all }, (_, r) => u.done?.includes(r - firstRow) ? 1 : 0);
    const best = earlier.map((row, r) => u.best ? u.best(r - firstRow, row) : draw(u, r));
    const words = best.flatMap((e) =>
      e ? [bitsOf([e.value])[0], e.latent] : [bitsOf([-3e38])[0], NONE]
    );
    const picks = heldPicks(bench, earlier, t + 3, {
      lists: "write",
      order: "read",
      done: stopped,
      best: Uint32Array.from(words),
    });
    const stride = Math.ceil(u.d / 4) * 4;
    const sheet = new Float32Array(all * stride);
    before.forEach((row, r) => sheet.set(row, r * stride));
    const residual = { buffer: bench.state("residual", bitsOf(sheet)), rows: all, cols: u.d };
    const running = bench.state("running", new Uint32Array(t + 3));
    return {
      commands: pursuitUpdate.record(bench.gpu, {
        picks,
        w: bench.rows("w", w),
        residual: residual.buffer,
        firstRow,
        rows: u.rows,
        t,
        ...rules,
        running,
      }),
      verify() {
        const wanted = earlier.map((row, r) =>
          r < firstRow || stopped[r]
            ? { residual: before[r], pick: undefined, stops: stopped[r] === 1 }
            : reference(before[r], row, best[r], w, rules)
        );
        const bounds = before.map((row, r) =>
          row.map((v, i) => {
            const pick = wanted[r].pick;
            return pick ? 2 * EPS * (Math.abs(v) + Math.abs(pick.value * w[pick.latent][i])) : 0;
          })
        );
        assertCloseRows(
          bench.matrixOf(residual),
          wanted.map((u) => u.residual),
          bounds,
          "residual",
        );
        const lists = picksOf(bench, picks);
        const done = bench.wordsOf(picks.done);
        let going = 0;
        wanted.forEach(({ pick, stops, residual: left }, r) => {
          assert.deepEqual(
            lists[r],
            pick ? [...earlier[r], pick] : earlier[r],
            `picks of row ${r}`,
          );
          const length = Math.sqrt(dot(left, left));
          const clear = rules.threshold === 0 || Math.abs(length - rules.threshold) > 1e-4;
          assert.ok(clear, `row ${r} of the case is at the threshold`);
          assert.equal(done[r], stops ? 1 : 0, `row ${r} has stopped`);
          if (pick && !stops) going++;
        });
        const counts = Array.from({ length: t + 3 }, (_, i) => i === t ? going : 0);
        assert.deepEqual([...bench.wordsOf(running)], counts);
      },
    };
  };
}

const cases: KernelCase[] = updates.map((u) => ({ name: u.name, build: build(u) }));

Deno.test("pursuitUpdate takes the pick from the residual and stops rows after it", () =>
  checkKernel(cases, [whole, split, withoutSubgroups]));

Deno.test("pursuitUpdate does the same on hardware", () => checkKernel(cases, [asHardware]));

Deno.test("the cases of pursuitUpdate have rows that stop and rows that go on, for each reason", () => {
  const stops = (name: string) => {
    const u = updates.find((c) => c.name === name)!;
    const earlier = randomPicks(u.rows, u.latents, u.t, { count: () => u.t });
    const rules = { relu: true, threshold: 0, stopOnDuplicates: false, ...u };
    const w = matrix(u.latents, u.d, { seed: 3 });
    const before = matrix(u.rows, u.d, { seed: 4 });
    const list = earlier.map((row, r) =>
      reference(before[r], row, u.best ? u.best(r, row) : draw(u, r), w, rules).stops
    );
    return new Set(list).size;
  };
  const mixed = ["short residuals", "repeated latents", "a pick that cancels another"];
  for (const name of mixed) assert.equal(stops(name), 2, name);
});
