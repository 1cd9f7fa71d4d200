/** Gates that make codes of panels, against float64 references, over batches that follow each other. */
import assert from "assert";
import { batchAuxGate, batchTopkGate } from "../../lib/blocks/gates/batchtopk.ts";
import { gateByNorm } from "../../lib/blocks/gates/by_norm.ts";
import { thresholdGate } from "../../lib/blocks/gates/emit.ts";
import { groupMaxGate } from "../../lib/blocks/gates/groupmax.ts";
import { topkGate } from "../../lib/blocks/gates/topk.ts";
import type { Gate } from "../../lib/blocks/types.ts";
import { createBuffer, type Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { createRows, writeRows } from "../../lib/gpu/rows.ts";
import { CODE_BUDGET, planCapacity } from "../../lib/kernels/capacity.ts";
import { createCount, createScalars, SCALARS, STEP } from "../../lib/kernels/common.ts";
import type { Following } from "../../lib/kernels/radix_pick.ts";
import { BATCH_STATE } from "../../lib/kernels/radix_state.ts";
import { rowNorms } from "../../lib/kernels/row_norms.ts";
import { emitPanel } from "../../lib/reference/emit_panel.ts";
import { groupMax } from "../../lib/reference/group_max.ts";
import { kthValue, radixPick } from "../../lib/reference/radix_pick.ts";
import { scalePanel } from "../../lib/reference/scale_panel.ts";
import { selectEntries } from "../../lib/reference/select_entries.ts";
import { topkFinish } from "../../lib/reference/topk_finish.ts";
import { topkMerge } from "../../lib/reference/topk_merge.ts";
import { trimRows } from "../../lib/reference/trim_rows.ts";
import { unscaleEntries } from "../../lib/reference/unscale_entries.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";
import { whole, withoutSubgroups } from "../kernels/device.ts";
import { matrix, vector } from "../kernels/samples.ts";
import { hostPanels, readCode } from "./panels.ts";

interface Batch {
  scores: Matrix;
  k?: number;
  batchK?: number;
  track?: boolean;
}

interface Buffers {
  gpu: Gpu;
  rows: number;
  latents: number;
  step: GPUBuffer;
  scalars: GPUBuffer;
  count: GPUBuffer;
}

interface Outcome {
  code: Code;
  scalars: Float32Array;
  state: Float32Array;
}

/** Runs a gate on batches that follow each other. */
async function run(
  gpu: Gpu,
  make: (buffers: Buffers) => Gate,
  batches: readonly Batch[],
  width = 64,
): Promise<Outcome[]> {
  const rows = batches[0].scores.length, latents = batches[0].scores[0].length;
  const step = createBuffer(gpu, STEP.words * 4, "step");
  const scalars = createScalars(gpu);
  const gate = make({ gpu, rows, latents, step, scalars, count: createCount(gpu, latents) });
  const host = hostPanels(gpu, rows, latents, width);
  const { panels, finish } = gate.forward(host.panels);
  const out: Outcome[] = [];
  for (const { scores, k = 0, batchK = 0, track = false } of batches) {
    const words = new Uint32Array(STEP.words);
    words[STEP.k] = k;
    words[STEP.batchK] = batchK;
    words[STEP.track] = track ? 1 : 0;
    gpu.device.queue.writeBuffer(step, 0, words);
    host.write(scores);
    submit(gpu, [...panels.flat(), ...finish]);
    out.push({
      code: await readCode(gpu, gate.codes[0].code),
      scalars: await readFloats(gpu, scalars, SCALARS.sites),
      state: gate.state.length ? await readFloats(gpu, gate.state[0].buffer) : new Float32Array(),
    });
  }
  return out;
}

/** The device with bindings so small that lists of rows do not have room for all latents. */
function tight(gpu: Gpu, maxBindingBytes: number): Gpu {
  return { ...gpu, facts: { ...gpu.facts, maxBindingBytes } };
}

const relu = ({ gpu, rows, latents, count, scalars }: Buffers) =>
  thresholdGate(gpu, { rows, latents, count, scalars });
const batch = (following?: Following) => (buffers: Buffers) =>
  batchTopkGate(buffers.gpu, { ...buffers, kMax: 9999, following });

const tied = (m: Matrix): Matrix => m.map((row) => row.map((v) => Math.round(2 * v) / 2));
const times = (m: Matrix, f: number): Matrix => m.map((row) => row.map((v) => Math.fround(v * f)));
const plain = (code: Code) => code.map((row) => row.map((e) => [e.latent, e.value]));
const positive = (scores: Matrix) => emitPanel(scores);

Deno.test("the ReLU gate keeps every positive score, whatever the panels", async () => {
  const scores = matrix(37, 300, { seed: 3 });
  scores[5].fill(-1);
  scores[6].fill(NaN);
  const batches = [{ scores }, { scores: times(scores, -1) }];
  for (const width of [64, 128, 320]) {
    const got = await run(await whole(), relu, batches, width);
    got.forEach(({ code, scalars }, i) => {
      assert.deepEqual(plain(code), plain(positive(batches[i].scores)));
      assert.equal(scalars[SCALARS.cappedRows], 0);
    });
  }
});

Deno.test("rows that have no room keep their largest values, and are counted", async () => {
  const dense = matrix(16, 900, { seed: 4 }).map((row, r) =>
    row.map((v) => Math.fround(v + (r % 4)))
  );
  const few = dense.map((row) => row.map((v) => Math.fround(v - 4)));
  const batches = [{ scores: dense }, { scores: few }, { scores: tied(dense) }];
  // 16 rows of 512 entries of 16 bytes.
  const gpu = tight(await whole(), 2 ** 17);
  const { keep } = planCapacity(16, 900, gpu.facts);
  assert.ok(keep > 200 && keep < 400);
  for (
    const [width, device] of [[64, gpu], [320, gpu], [
      128,
      tight(await withoutSubgroups(), 2 ** 17),
    ]] as const
  ) {
    const got = await run(device, relu, batches, width);
    got.forEach(({ code, scalars }, i) => {
      const all = positive(batches[i].scores);
      assert.deepEqual(plain(code), plain(trimRows(all, keep)), `batch ${i}`);
      const cut = all.filter((row) => row.length > keep).length;
      assert.equal(scalars[SCALARS.cappedRows], cut, `batch ${i}`);
      assert.equal(cut > 0, i !== 1);
    });
  }
});

Deno.test("a threshold gate compares strictly, with one bar or one a latent", async () => {
  const scores = matrix(9, 130, { seed: 6 });
  const bars = vector(130, { seed: 7 });
  bars[3] = scores[4][3];
  const one = Math.max(...scores[2]);
  const gate = (bar: (gpu: Gpu) => { buffer: GPUBuffer; word?: number }) => (b: Buffers) =>
    thresholdGate(b.gpu, { ...b, bar: bar(b.gpu) });
  const write = (gpu: Gpu, values: ArrayLike<number>) => {
    const buffer = createBuffer(gpu, 256 * 4, "bars");
    gpu.device.queue.writeBuffer(buffer, 0, Float32Array.from(values));
    return buffer;
  };
  const gpu = await whole();
  const [each] = await run(gpu, gate((g) => ({ buffer: write(g, bars) })), [{ scores }]);
  assert.deepEqual(plain(each.code), plain(emitPanel(scores, (l) => bars[l])));
  const [single] = await run(
    gpu,
    gate((g) => ({ buffer: write(g, [9, 9, one]), word: 2 })),
    [{ scores }],
  );
  assert.deepEqual(plain(single.code), plain(emitPanel(scores, () => one)));
  assert.ok(single.code.flat().length > 0 && single.code[2].length === 0);
});

/** Batches of one gate, and of what they consist. */
const streams: { name: string; batches: Batch[] }[] = [
  {
    name: "the guess holds, is too high, is far too low",
    batches: [1, 1.05, 0.1, 0.1, 30].map((f, i) => ({
      scores: times(matrix(37, 300, { seed: i }), f),
      batchK: 200,
      track: i > 0,
    })),
  },
  {
    name: "K changes from batch to batch",
    batches: [37, 3000, 1, 400].map((batchK, i) => ({
      scores: matrix(37, 300, { seed: 10 + i }),
      batchK,
      track: true,
    })),
  },
  {
    name: "ties across rows",
    batches: [5, 77, 500, 900].map((batchK, i) => ({
      scores: tied(matrix(37, 130, { seed: 20 + i })),
      batchK,
      track: true,
    })),
  },
  {
    name: "more wanted than positive, nothing positive, NaN, all equal",
    batches: [
      { scores: matrix(5, 70), batchK: 9999 },
      { scores: matrix(5, 70).map((row) => row.map((v) => v < 0 ? v : 0)), batchK: 10 },
      {
        scores: matrix(5, 70).map((row, r) => row.map((v, l) => (l + r) % 3 ? v : NaN)),
        batchK: 30,
      },
      { scores: matrix(5, 70).map((row) => row.map(() => NaN)), batchK: 30 },
      { scores: matrix(5, 70).map((row) => row.map(() => 0.25)), batchK: 99 },
      { scores: matrix(5, 70), batchK: 0 },
    ].map((b) => ({ ...b, track: true })),
  },
  {
    name: "one row, and one that takes everything",
    batches: [1, 64, 65].map((batchK) => ({ scores: matrix(1, 130, { seed: 3 }), batchK })),
  },
  {
    name: "one row of many is large",
    batches: [40, 40].map((batchK, i) => ({
      scores: matrix(12, 90, { seed: 30 + i }).map((row, r) => times([row], r === 7 ? 100 : 1)[0]),
      batchK,
    })),
  },
];

Deno.test("the BatchTopK gate keeps the exact K largest of the batch, ties to the lowest place", async () => {
  for (const { name, batches } of streams) {
    for (const width of [64, 128]) {
      const got = await run(await whole(), batch(), batches, width);
      let average = 0;
      got.forEach(({ code, scalars, state }, i) => {
        const { scores, batchK = 0, track = false } = batches[i];
        const all = positive(scores);
        assert.deepEqual(plain(code), plain(selectEntries(all, batchK)), `${name}: batch ${i}`);
        const { value } = kthValue(all, batchK);
        const follow = { kind: "average", rate: 0.001, rows: 0, wanted: batchK, track } as const;
        average = radixPick(all, average, follow);
        const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-6 * b, `${a}, ${b}`);
        near(state[BATCH_STATE.average], average);
        near(scalars[SCALARS.threshold], average || value);
      });
    }
  }
});

Deno.test("BatchTopK on lists without room is exact among what rows may keep", async () => {
  const gpu = tight(await whole(), 2 ** 16);
  const { keep } = planCapacity(16, 900, gpu.facts, CODE_BUDGET, false);
  assert.ok(keep > 200 && keep < 400);
  const batches = [0, 1].map((i) => ({
    scores: matrix(16, 900, { seed: i }).map((row, r) =>
      row.map((v) => Math.fround(v + (r === 3 ? 2 : 0)))
    ),
    batchK: 1600,
  }));
  const got = await run(gpu, batch(), batches, 128);
  got.forEach(({ code, scalars }, i) => {
    const all = positive(batches[i].scores);
    assert.deepEqual(plain(code), plain(selectEntries(trimRows(all, keep), 1600)), `batch ${i}`);
    assert.ok(scalars[SCALARS.cappedRows] >= 1);
  });
});

Deno.test("golden values of BatchTopK, in training and by threshold", async () => {
  // Architectures spec, section 3: k = 1.5, K = 3; T = 2, and s > 2 keeps one entry.
  const scores = [[3, 1, 2], [2, 2, 0.5]].map((row) => Float64Array.from(row));
  const [{ code, state }] = await run(await whole(), batch(), [{ scores, batchK: 3, track: true }]);
  assert.deepEqual(plain(code), [[[0, 3], [2, 2]], [[0, 2]]]);
  assert.equal(state[BATCH_STATE.average], 2);
  const [threshold] = await run(await whole(), (b) => {
    const buffer = createBuffer(b.gpu, 16, "threshold");
    b.gpu.device.queue.writeBuffer(buffer, 0, Float32Array.of(state[BATCH_STATE.average]));
    return thresholdGate(b.gpu, { ...b, bar: { buffer, word: 0 } });
  }, [{ scores }]);
  assert.deepEqual(plain(threshold.code), [[[0, 3]], []]);
});

for (const kind of ["quantile", "control"] as const) {
  Deno.test(`a gate by ${kind} lets pass what exceeds the threshold of the steps before`, async () => {
    const rate = kind === "quantile" ? 0.1 : 0.02;
    const batches = [1, 1, 1.2, 0.5, 0.2, 3].map((f, i) => ({
      scores: times(matrix(37, 300, { seed: 40 + i }), f),
      batchK: 300,
    }));
    const got = await run(await whole(), batch({ kind, rate }), batches);
    let gate = 0;
    got.forEach(({ code, state, scalars }, i) => {
      const all = positive(batches[i].scores);
      // The first step is an ordinary selection over the batch.
      const wanted = i === 0 ? selectEntries(all, 300) : emitPanel(batches[i].scores, () => gate);
      assert.deepEqual(plain(code), plain(wanted), `batch ${i}`);
      const next = radixPick(all, gate, { kind, rate, rows: 37, wanted: 300, track: false });
      // The kernel's own number goes on: another one in the last place would let others pass.
      gate = state[BATCH_STATE.average];
      assert.ok(Math.abs(gate - next) <= 1e-6 * next, `batch ${i}: ${gate}, wanted ${next}`);
      assert.equal(scalars[SCALARS.threshold], gate);
    });
    assert.ok(new Set(got.map(({ code }) => code.flat().length)).size > 3, "the number varies");
  });
}

Deno.test("a gate by control comes to the wanted number of active latents", async () => {
  const batches = Array.from({ length: 40 }, (_, i) => ({
    scores: times(matrix(64, 128, { seed: 100 + i % 7 }), i < 2 ? 0.5 : 1),
    batchK: 64 * 8,
  }));
  const got = await run(await whole(), batch({ kind: "control", rate: 0.02 }), batches);
  const l0 = (i: number) => got[i].code.flat().length / 64;
  assert.ok(l0(2) > 16, `${l0(2)}`);
  assert.ok(Math.abs(l0(39) - 8) < 1, `${l0(39)}`);
});

Deno.test("AuxK's gate selects over the batch among the dead latents", async () => {
  const gpu = await whole();
  const rows = 21, latents = 200, kAux = 4;
  for (const dead of [0, 2, 50, 131]) {
    const list = Array.from({ length: dead }, (_, i) => i + Math.floor(i / 2));
    const scores = matrix(rows, latents, { seed: dead });
    const step = createBuffer(gpu, STEP.words * 4, "aux step");
    gpu.device.queue.writeBuffer(step, STEP.k * 4, new Uint32Array([kAux]));
    const map = createBuffer(gpu, latents * 4, "dead list");
    gpu.device.queue.writeBuffer(map, 0, Uint32Array.from([...list, 0]));
    const gate = batchAuxGate(gpu, {
      rows,
      kMax: kAux,
      latents,
      step,
      count: createCount(gpu, dead),
      map,
    });
    const host = hostPanels(gpu, rows, latents, 64);
    host.write(scores);
    const { panels, finish } = gate.forward(host.panels);
    // As AuxK does: only panels that the list reaches.
    const reached = panels.filter((_, i) => i === 0 || host.panels[i].firstLatent < dead);
    submit(gpu, [...reached.flat(), ...finish]);
    const wanted = topkFinish(
      selectEntries(
        emitPanel(scores, undefined, dead),
        rows * Math.min(kAux, dead),
      ).map((row) => [...row]),
      list,
    );
    const got = await readCode(gpu, gate.codes[0].code);
    assert.deepEqual(plain(got), plain(wanted), `${dead} dead latents`);
    assert.equal(got.flat().length > 0, dead > 0);
  }
});

Deno.test("the GroupMax gate keeps the largest of each group", async () => {
  const batches = [5, 6].map((seed) => ({ scores: matrix(37, 200, { seed }) }));
  for (const k of [1, 8, 13]) {
    const got = await run(
      await whole(),
      ({ gpu, rows, latents }) => groupMaxGate(gpu, { rows, latents, k }),
      batches,
    );
    got.forEach(({ code }, i) =>
      assert.deepEqual(plain(code), plain(groupMax(batches[i].scores, k)))
    );
  }
});

Deno.test("every gate can choose by score times decoder norm, and hands out the score", async () => {
  const gpu = await whole();
  const latents = 200, k = 5;
  const wDec = matrix(latents, 6, { seed: 9 }).map((row, l) => row.map((v) => v * (1 + l % 4)));
  const norms = wDec.map((row) => Math.hypot(...row));
  const scores = matrix(37, latents, { seed: 8 });
  const s = scalePanel(scores, norms);
  const gates: [string, (b: Buffers) => Gate, Code][] = [
    ["relu", relu, positive(s)],
    ["topk", (b) => topkGate(b.gpu, { ...b, kMax: k }), topkFinish(topkMerge(s, k))],
    ["batchtopk", batch(), selectEntries(positive(s), 37 * k)],
    ["groupmax", (b) => groupMaxGate(b.gpu, { ...b, k }), groupMax(s, k)],
  ];
  for (const [name, make, chosen] of gates) {
    const rows = createRows(gpu, "W_dec", latents, 6);
    writeRows(gpu, rows, Float32Array.from(wDec.flatMap((row) => [...row])));
    const values = createBuffer(gpu, latents * 4, "norms");
    const [{ code }] = await run(
      gpu,
      (b) =>
        gateByNorm(b.gpu, make(b), {
          rows: b.rows,
          norms: { values, refresh: () => rowNorms.record(b.gpu, rows, values) },
        }),
      [{ scores, k, batchK: 37 * k }],
    );
    unscaleEntries(chosen, norms).forEach((row, r) => {
      assert.deepEqual(code[r].map((e) => e.latent), row.map((e) => e.latent), `${name}, row ${r}`);
      row.forEach((e, i) => {
        assert.ok(Math.abs(code[r][i].value - e.value) <= 1e-6 * e.value, `${name}, row ${r}`);
      });
    });
  }
});
