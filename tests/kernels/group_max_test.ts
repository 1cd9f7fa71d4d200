import assert from "assert";
import { groupMax, groupOf, planGroups } from "../../lib/kernels/group_max.ts";
import { groupMax as reference } from "../../lib/reference/group_max.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const NONE = 0xffffffff;

const inputs: { name: string; scores: Matrix; groups: number; panel: number }[] = [
  { name: "one latent", scores: [Float64Array.of(0.5)], groups: 1, panel: 64 },
  { name: "groups cross panels", scores: matrix(9, 300), groups: 4, panel: 64 },
  { name: "a group longer than panels", scores: matrix(5, 300, { seed: 2 }), groups: 1, panel: 64 },
  { name: "not divisible", scores: matrix(37, 131, { seed: 3 }), groups: 17, panel: 64 },
  { name: "a latent a group", scores: matrix(5, 70), groups: 70, panel: 64 },
  {
    name: "nothing positive",
    scores: matrix(4, 64).map((r) => r.map(() => -1)),
    groups: 8,
    panel: 64,
  },
  {
    name: "ties, zeros of both signs, NaN",
    scores: matrix(20, 200).map((row, r) =>
      row.map((_, l) => [1, NaN, 2, -0, 0, 2, 1][(l + r * 3) % 7])
    ),
    groups: 12,
    panel: 128,
  },
  { name: "all NaN", scores: matrix(2, 64).map((r) => r.map(() => NaN)), groups: 3, panel: 64 },
];

const cases: KernelCase[] = inputs.map(({ name, scores, groups, panel }) => ({
  name,
  build(bench) {
    const rows = scores.length;
    const latents = scores[0].length;
    const capacity = roundUp(groups, 4);
    const best = {
      rows,
      capacity,
      score: bench.output("score", rows * capacity),
      latent: bench.output("latent", rows * capacity),
      floors: bench.scratch("floors", 4),
    };
    const commands = [];
    for (let first = 0; first < latents; first += panel) {
      const part = new Float32Array(rows * panel).fill(1e30);
      scores.forEach((row, r) => part.set(row.subarray(first, first + panel), r * panel));
      commands.push(groupMax.record(bench.gpu, {
        best,
        groups: planGroups(latents, groups),
        scores: bench.floats(`panel at ${first}`, part),
        panel,
        firstLatent: first,
        latents: Math.min(panel, latents - first),
      }));
    }
    return {
      commands,
      verify() {
        const score = bench.floatsOf(best.score);
        const latent = bench.wordsOf(best.latent);
        const got = scores.map((_, r) =>
          Array.from({ length: groups }, (_, g) => ({
            latent: latent[r * capacity + g],
            value: score[r * capacity + g],
          })).filter((e) => e.latent !== NONE)
        );
        assert.deepEqual(got, reference(scores, groups));
      },
    };
  },
}));

Deno.test("groupMax finds the largest of each group, ties to the lowest latent", () =>
  checkKernel(cases));

Deno.test("groups cover every latent, in order, and differ by one latent at most", () => {
  for (const [latents, groups] of [[1, 1], [10, 3], [64, 64], [3072, 32], [100003, 77]]) {
    const plan = planGroups(latents, groups);
    const counts = new Array<number>(groups).fill(0);
    let last = 0;
    for (let l = 0; l < latents; l++) {
      const group = groupOf(l, plan);
      assert.ok(group === last || group === last + 1);
      last = group;
      counts[group]++;
    }
    assert.equal(last, groups - 1);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
  }
  assert.throws(() => planGroups(3, 4), RangeError);
});
