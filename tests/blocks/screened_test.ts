/** The screened coder by itself: which candidates it takes, what it makes of them, what it says it missed. */
import assert from "assert";
import { screenedCoder } from "../../lib/blocks/coders/screened.ts";
import { denseEncoder } from "../../lib/blocks/encoders/dense.ts";
import { createParameter, createWorkspace } from "../../lib/blocks/types.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats, readSlices } from "../../lib/gpu/readback.ts";
import { writeRows } from "../../lib/gpu/rows.ts";
import { SCALARS, STEP } from "../../lib/kernels/common.ts";
import { encodeGemm } from "../../lib/reference/encode_gemm.ts";
import { codeRecall } from "../../lib/reference/code_recall.ts";
import { topkFinish } from "../../lib/reference/topk_finish.ts";
import { topkMerge } from "../../lib/reference/topk_merge.ts";
import { keepCandidates } from "../../lib/reference/keep_candidates.ts";
import { scoreCandidates } from "../../lib/reference/score_candidates.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";
import { split, whole } from "../kernels/device.ts";
import { matrix, vector } from "../kernels/samples.ts";

const ROWS = 100, D = 24, LATENTS = 300, K = 5, K_MAX = 7, DIMS = 8, FACTOR = 3;

const x = matrix(ROWS, D, { seed: 1 });
const w = matrix(LATENTS, D, { seed: 2 });
const bias = vector(LATENTS, { seed: 3 });

const flat = (m: Matrix) => Float32Array.from(m.flatMap((row) => [...row]));

/** The first columns as axes: the approximate scores are those of cut rows, without rounding. */
const axes = new Float32Array(D * DIMS);
for (let j = 0; j < DIMS; j++) axes[j * DIMS + j] = 1;

async function run(
  gpu: Gpu,
  rows: number,
): Promise<{ code: Code; recall: number; values: Uint32Array }> {
  const space = createWorkspace(gpu, {
    ...{ rows, dIn: D, dOut: D, dSae: LATENTS, inputBias: false },
  });
  const wEnc = createParameter(gpu, "W_enc", LATENTS, D);
  const bEnc = createParameter(gpu, "b_enc", 1, LATENTS);
  const encoder = denseEncoder(gpu, space, { wEnc, bEnc });
  const coder = screenedCoder(gpu, space, encoder, { dims: DIMS, factor: FACTOR, kMax: K_MAX });
  writeRows(gpu, space.x, flat(x.slice(0, rows)));
  writeRows(gpu, wEnc.value, flat(w));
  writeRows(gpu, bEnc.value, Float32Array.from(bias));
  const { queue } = gpu.device;
  queue.writeBuffer(coder.state[0].buffer, 0, axes);
  queue.writeBuffer(space.step, STEP.k * 4, new Uint32Array([K]));
  submit(gpu, coder.forward());
  const [{ code }] = coder.codes;
  const [spans, entries] = (await readSlices(gpu, [
    { buffer: code.spans },
    { buffer: code.entries },
  ])).map((bytes) => new Uint32Array(bytes));
  const bits = new Float32Array(entries.buffer);
  const found = x.slice(0, rows).map((_, r) =>
    Array.from({ length: spans[2 * r + 1] - spans[2 * r] }, (_, i) => {
      const at = 2 * (spans[2 * r] + i);
      return { latent: entries[at], value: bits[at + 1] };
    })
  );
  const recall = (await readFloats(gpu, space.scalars))[SCALARS.screenRecall];
  const all = found.flat().flatMap((e) => [e.latent, e.value]);
  return { code: found, recall, values: new Uint32Array(Float32Array.from(all).buffer) };
}

Deno.test("screenedCoder keeps the k best candidates of few columns by their exact scores", async () => {
  const cut = (m: Matrix) => m.map((row) => row.slice(0, DIMS));
  const rough = encodeGemm(cut(x), cut(w), bias);
  const candidates = keepCandidates(
    rough.map((row) => [...row].map((value, latent) => ({ latent, value }))),
    FACTOR * K_MAX,
  ).map((row) => row.map((e) => e.latent));
  const scores = scoreCandidates(candidates, x, w, bias);
  const listed = candidates.map((row, r) =>
    row.map((latent, i) => ({ latent, value: scores[r][i] }))
  );
  const wanted = keepCandidates(listed, K);
  const exact = topkFinish(topkMerge(encodeGemm(x, w, bias), K));
  const { code, recall, values } = await run(await whole(), ROWS);
  code.forEach((row, r) => {
    assert.deepEqual(row.map((e) => e.latent), wanted[r].map((e) => e.latent), `row ${r}`);
    row.forEach((e, i) => assert.ok(Math.abs(e.value - wanted[r][i].value) < 1e-4));
  });
  const share = codeRecall(exact.slice(0, 64), wanted.slice(0, 64));
  assert.ok(share > 0.1 && share < 0.9, `${share} is no test`);
  assert.ok(Math.abs(recall - share) < 1e-6, `recall ${recall}, counted ${share}`);
  // Fewer rows, since scores of a panel of all would not fit the small buffers.
  const [one, many] = [await run(await whole(), 60), await run(await split(), 60)];
  assert.deepEqual(many.values, one.values);
  assert.deepEqual(one.values, values.subarray(0, one.values.length));
  assert.equal(many.recall, one.recall);
});

Deno.test("screenedCoder refuses an encoder whose latents look at different rows", async () => {
  const gpu = await whole();
  const space = createWorkspace(gpu, { rows: 4, dIn: 4, dOut: 4, dSae: 8 });
  const encoder = { parameters: [] } as unknown as Parameters<typeof screenedCoder>[2];
  assert.throws(
    () => screenedCoder(gpu, space, encoder, { dims: 4, factor: 2, kMax: 2 }),
    { name: "RangeError", message: /^Cannot screen: / },
  );
});
