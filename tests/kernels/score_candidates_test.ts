import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { ROW_UNIT } from "../../lib/gpu/rows.ts";
import { encodeGemm } from "../../lib/kernels/encode_gemm.ts";
import { scoreCandidates } from "../../lib/kernels/score_candidates.ts";
import { scoreCandidates as reference } from "../../lib/reference/score_candidates.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import type { Bench } from "./bench.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, sizes, vector } from "./samples.ts";

const NONE = 0xffffffff;

interface Shape {
  rows: number;
  latents: number;
  d: number;
  count: number;
  capacity: number;
}

const SHAPES: Shape[] = [
  { rows: 1, latents: 1, d: 1, count: 1, capacity: 4 },
  { rows: 3, latents: 9, d: 2, count: 0, capacity: 8 },
  { rows: 37, latents: 131, d: 5, count: 7, capacity: 8 },
  { rows: 65, latents: 300, d: 33, count: 16, capacity: 16 },
  { rows: 5, latents: 210, d: 64, count: 200, capacity: 200 },
];

/** Different latents of every row, in no order. */
function candidatesOf({ rows, latents, count }: Shape, seed: number): number[][] {
  const stream = new RandomStream(seed, "candidates");
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: latents }, (_, l) => l)
      .toSorted((a, b) => stream.uniform(r, a) - stream.uniform(r, b))
      .slice(0, count));
}

/** Lists with the candidates at scattered places; empty ones hold a score that has to stay. */
function lists(bench: Bench, { rows, capacity }: Shape, candidates: number[][]) {
  const latent = new Uint32Array(rows * capacity).fill(NONE);
  const at = (r: number, i: number) => r * capacity + (i + r) % capacity;
  candidates.forEach((row, r) => row.forEach((l, i) => latent[at(r, i)] = l));
  const score = bench.state("scores", new Uint32Array(rows * capacity).fill(0x7f7fffff));
  const best = { rows, capacity, score, latent: bench.words("latents", latent), floors: score };
  return { best, latent, at };
}

const cases: KernelCase[] = SHAPES.map((shape, i) => ({
  name: `${shape.rows} x ${shape.count} of ${shape.latents}, d ${shape.d}`,
  build(bench) {
    const { rows, latents, d } = shape;
    const x = matrix(rows, d, { seed: i, wide: i === 2 });
    const w = matrix(latents, d, { seed: 10 + i });
    const bias = vector(latents, { seed: 20 + i, scale: 3 });
    const candidates = candidatesOf(shape, i);
    const { best, latent, at } = lists(bench, shape, candidates);
    return {
      commands: scoreCandidates.record(bench.gpu, {
        candidates: best,
        x: bench.sheet("x", x).buffer,
        w: bench.rows("w", w),
        bias: bench.floats("bias", bias),
      }),
      verify() {
        const floats = bench.floatsOf(best.score);
        const wanted = reference(candidates, x, w, bias);
        const most = reference(candidates, sizes(x), sizes(w), bias.map(Math.abs));
        wanted.forEach((row, r) =>
          assertClose(
            row.map((_, c) => floats[at(r, c)]),
            row,
            most[r].map((v) => v * sumError(d)),
            `row ${r}, candidate`,
          )
        );
        const words = bench.wordsOf(best.score);
        assert.ok(latent.every((l, e) => l !== NONE || words[e] === 0x7f7fffff), "empty places");
      },
    };
  },
}));

/** All latents are candidates, and the encoder scores all of them. */
const sameBits: KernelCase = {
  name: "as encode_gemm",
  build(bench) {
    const shape: Shape = { rows: 37, latents: 64, d: 21, count: 64, capacity: 64 };
    const { rows, latents, d } = shape;
    const w = bench.rows("w", matrix(latents, d, { seed: 2 }));
    const x = bench.sheet("x", matrix(rows, d, { seed: 1 })).buffer;
    const bias = bench.floats("bias", vector(latents, { seed: 3 }));
    const candidates = candidatesOf(shape, 9);
    const { best, at } = lists(bench, shape, candidates);
    const panel = roundUp(latents, ROW_UNIT);
    const scores = bench.scratch("panel", roundUp(rows, ROW_UNIT) * panel);
    return {
      commands: [
        ...w.shards.map((shard) =>
          encodeGemm.record(bench.gpu, {
            ...{ rows, latents: shard.rows, d, x, w: shard.buffer, firstLatent: 0 },
            ...{ bias, firstBias: shard.firstRow, scores, panel },
          })
        ),
        ...scoreCandidates.record(bench.gpu, { candidates: best, x, w, bias }),
      ],
      verify() {
        const exact = bench.wordsOf(scores), own = bench.wordsOf(best.score);
        candidates.forEach((row, r) =>
          row.forEach((l, c) => assert.equal(own[at(r, c)], exact[r * panel + l], `row ${r}, ${l}`))
        );
      },
    };
  },
};

Deno.test("scoreCandidates scores the candidates of each row, and nothing else", () =>
  checkKernel(cases));

Deno.test("scoreCandidates has the bits of the encoder's scores", () => checkKernel([sameBits]));
