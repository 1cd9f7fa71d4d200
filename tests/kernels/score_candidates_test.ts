import assert from "assert";
import { ROW_UNIT } from "../../lib/gpu/rows.ts";
import { encodeGemm } from "../../lib/kernels/encode_gemm.ts";
import { scoreCandidates } from "../../lib/kernels/score_candidates.ts";
import { scoreCandidates as reference } from "../../lib/reference/score_candidates.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { GATHERING } from "./device.ts";
import { awkwardCodes, code as drawCode, longCode, matrix, sizes, vector } from "./samples.ts";

const WIDTHS = [2, 64, 19, 8, 33, 4, 1];

const cases: KernelCase[] = [...awkwardCodes(), longCode()].map((
  { name, latents, k, code },
  i,
) => ({
  name: `${name}, d ${WIDTHS[i % 7]}`,
  build(bench) {
    const d = WIDTHS[i % 7];
    const x = matrix(code.length, d, { seed: i, wide: i === 2 });
    const w = matrix(latents, d, { seed: 10 + i });
    const bias = vector(latents, { seed: 20 + i, scale: 3 });
    // What the entries hold is not read, and the scores stand where derivatives would.
    const rows = bench.code(code, k);
    return {
      commands: scoreCandidates.record(bench.gpu, {
        candidates: rows,
        // Fewer than some rows have: their threads go on.
        count: Math.ceil(k / 2),
        x: bench.sheet("x", x).buffer,
        w: bench.rows("w", w),
        bias: bench.floats("bias", bias),
        scores: rows.dz,
      }),
      verify() {
        const floats = bench.floatsOf(rows.dz);
        const candidates = code.map((row) => row.map((e) => e.latent));
        const wanted = reference(candidates, x, w, bias);
        const most = reference(candidates, sizes(x), sizes(w), bias.map(Math.abs));
        wanted.forEach((row, r) => {
          const got = floats.subarray(r * rows.capacity, r * rows.capacity + row.length);
          assertClose(got, row, most[r].map((v) => v * sumError(d)), `row ${r}, candidate`);
          const rest = floats.subarray(r * rows.capacity + row.length, (r + 1) * rows.capacity);
          assert.ok(rest.every(Number.isNaN), `row ${r} wrote beyond its entries`);
        });
      },
    };
  },
}));

/** Every latent is a candidate, and the encoder scores every latent. */
const sameBits: KernelCase = {
  name: "as encode_gemm",
  build(bench) {
    const [rows, latents, d] = [37, 64, 21];
    const w = bench.rows("w", matrix(latents, d, { seed: 2 }));
    const x = bench.sheet("x", matrix(rows, d, { seed: 1 })).buffer;
    const bias = bench.floats("bias", vector(latents, { seed: 3 }));
    const code = drawCode(rows, latents, latents, { counts: () => latents });
    const candidates = bench.code(code, latents);
    const panel = roundUp(latents, ROW_UNIT);
    const scores = bench.scratch("panel", roundUp(rows, ROW_UNIT) * panel);
    return {
      commands: [
        ...w.shards.flatMap((shard) =>
          encodeGemm.record(bench.gpu, {
            ...{ rows, latents: shard.rows, d, x, w: shard.buffer, firstLatent: 0 },
            ...{ bias, firstBias: shard.firstRow, scores, panel },
          })
        ),
        ...scoreCandidates.record(bench.gpu, {
          ...{ candidates, count: latents, x, w, bias, scores: candidates.dz },
        }),
      ],
      verify() {
        const exact = bench.wordsOf(scores), own = bench.wordsOf(candidates.dz);
        for (let i = 0; i < rows * latents; i++) assert.equal(own[i], exact[i], `score ${i}`);
      },
    };
  },
};

Deno.test("scoreCandidates scores the candidates of each row, and nothing else", () =>
  checkKernel(cases, GATHERING));

Deno.test("scoreCandidates has the bits of the encoder's scores", () =>
  checkKernel([sameBits], GATHERING));
