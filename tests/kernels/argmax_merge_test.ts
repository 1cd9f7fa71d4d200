import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { argmaxMerge } from "../../lib/kernels/argmax_merge.ts";
import { argmaxMerge as reference } from "../../lib/reference/argmax_merge.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { split, whole, withoutSubgroups } from "./device.ts";
import { matrix } from "./samples.ts";

const NONE = 0xffffffff;

/** Scores from few values: many ties, zeros of both signs among them. */
function tied(rows: number, latents: number, values: number[]): Matrix {
  const stream = new RandomStream(8, "ties");
  return Array.from(
    { length: rows },
    (_, r) =>
      Float64Array.from({ length: latents }, (_, l) => values[stream.below(values.length, r, l)]),
  );
}

function rare(): Matrix {
  const m = matrix(9, 130, { seed: 5 });
  for (const row of m) for (let l = 0; l < 130; l += 3) row[l] = NaN;
  m[4].fill(NaN);
  return m;
}

const shapes: { name: string; scores: Matrix; panel: number }[] = [
  { name: "one latent", scores: matrix(1, 1), panel: 64 },
  { name: "primes", scores: matrix(37, 131, { seed: 1 }), panel: 64 },
  { name: "many rows", scores: matrix(300, 70, { seed: 2, wide: true }), panel: 64 },
  { name: "all equal", scores: tied(5, 300, [1.5]), panel: 128 },
  { name: "few values", scores: tied(66, 190, [2, 1, 0.5, -1]), panel: 64 },
  { name: "zeros of both signs", scores: tied(20, 100, [0, -0]), panel: 64 },
  { name: "nothing positive", scores: tied(7, 500, [-1, -2, -0.25]), panel: 256 },
  { name: "NaN is never taken", scores: rare(), panel: 64 },
];

const cases: KernelCase[] = shapes.map(({ name, scores, panel }) => ({
  name,
  build(bench) {
    const rows = scores.length;
    const latents = scores[0].length;
    const best = bench.output("best", rows * 2);
    const commands = [];
    for (let first = 0; first < latents; first += panel) {
      // Padding that would win if it were looked at.
      const part = new Float32Array(rows * panel).fill(1e30);
      scores.forEach((row, r) => part.set(row.subarray(first, first + panel), r * panel));
      commands.push(argmaxMerge.record(bench.gpu, {
        rows,
        scores: bench.floats(`panel at ${first}`, part),
        panel,
        firstLatent: first,
        latents,
        best,
      }));
    }
    return {
      commands,
      verify() {
        const values = bench.floatsOf(best);
        const numbers = bench.wordsOf(best);
        reference(scores).forEach((wanted, r) => {
          const latent = numbers[2 * r + 1];
          assert.equal(latent, wanted?.latent ?? NONE, `latent of row ${r}`);
          if (wanted) assert.equal(values[2 * r] + 0, wanted.value + 0, `score of row ${r}`);
        });
      },
    };
  },
}));

Deno.test("argmaxMerge takes the largest, ties to the lowest latent, a subgroup a row", () =>
  checkKernel(cases, [whole, split]));

Deno.test("argmaxMerge takes the largest, ties to the lowest latent, a thread a row", () =>
  checkKernel(cases, [withoutSubgroups]));
