import assert from "assert";
import { createBuffer, type Gpu } from "../../lib/gpu/device.ts";
import { type DryGpu, dryGpu } from "../../lib/gpu/dry.ts";
import type { Command } from "../../lib/gpu/program.ts";
import { createRows, onlyShard } from "../../lib/gpu/rows.ts";
import { createTexels } from "../../lib/gpu/texels.ts";
import { createCodeByLatent, createCodeByRow } from "../../lib/kernels/code.ts";
import { codeGradient } from "../../lib/kernels/code_gradient.ts";
import { createScalars } from "../../lib/kernels/common.ts";
import { decodeGroups } from "../../lib/kernels/decode_groups.ts";
import { decodePrefixes } from "../../lib/kernels/decode_prefixes.ts";
import { decodeRows } from "../../lib/kernels/decode_rows.ts";
import { entriesOf, loadGathered, planGather } from "../../lib/kernels/gathers.ts";
import { gradLatents } from "../../lib/kernels/grad_latents.ts";
import { createPrefixTable } from "../../lib/kernels/prefix_table.ts";
import { scoreCandidates } from "../../lib/kernels/score_candidates.ts";
import { asHardware, fromBuffers, whole } from "./device.ts";

/** A device with the facts of the test's, which counts. */
const dry = async (open: () => Promise<Gpu>): Promise<DryGpu> => dryGpu((await open()).facts);

const copiesOf = (commands: readonly Command[]) =>
  commands.flatMap((c) => "kind" in c && c.kind === "texels" ? [c.count] : []);

Deno.test("operands are copied where they are read twice as often as they are long, and the device reads texels faster", async () => {
  const gpu = await dry(whole);
  const from = createBuffer(gpu, 1000 * 16, "rows");
  const read = (reads: number, most?: number, on: Gpu = gpu) =>
    planGather(on, { w: { from, most, reads } });
  assert.deepEqual(read(2000).defines, { W_TEXELS: 1 });
  assert.deepEqual(copiesOf(read(2000).copies), [1000]);
  assert.deepEqual(read(1999), { defines: { W_TEXELS: 0 }, buffers: { w: from }, copies: [] });
  assert.deepEqual(copiesOf(read(1999, 900).copies), [900]);
  for (const open of [asHardware, fromBuffers]) {
    assert.deepEqual(read(1e6, undefined, await dry(open)).copies, []);
  }
  const small = { ...gpu, facts: { ...gpu.facts, maxTexels: 999 } };
  assert.deepEqual(read(1e6, undefined, small).copies, []);
  assert.deepEqual(copiesOf(read(1e6, 999, small).copies), [999]);
});

Deno.test("what was loaded before is read however seldom; two operands never share room", async () => {
  const gpu = await dry(whole);
  const source = createBuffer(gpu, 64 * 16, "rows");
  const texels = createTexels(gpu, 64, "rows");
  const plan = planGather(gpu, { w: { from: { source, texels }, reads: 0 } });
  assert.deepEqual(plan, { defines: { W_TEXELS: 1 }, buffers: { w: texels }, copies: [] });
  const { buffers } = planGather(gpu, {
    a: { from: source, reads: 1000 },
    b: { from: source, reads: 1000, words: true },
    c: { from: source, reads: 1000 },
  });
  assert.equal(new Set(Object.values(buffers)).size, 3);
});

Deno.test("a matrix in one buffer is loaded once, where it is read often; larger ones take no room", async () => {
  const gpu = await dry(whole);
  const w = createRows(gpu, "w", 128, 10);
  const before = gpu.memory.bytes;
  assert.deepEqual(loadGathered(gpu, w, 255).commands, []);
  assert.equal(gpu.memory.bytes, before);
  const loaded = loadGathered(gpu, w, 256);
  assert.deepEqual(copiesOf(loaded.commands), [128 * 3]);
  assert.equal(gpu.memory.bytes - before, 128 * 3 * 16);
  const cut = createRows(dryGpu({ ...gpu.facts, maxBindingBytes: 64 * 12 * 4 }), "w", 128, 10);
  const many = loadGathered(gpu, cut, 1e6);
  assert.deepEqual([many.rows.length, many.commands], [2, []]);
});

Deno.test("every gathering kernel reads texels at an ordinary shape", async () => {
  const gpu = await dry(whole);
  const [rows, latents, k, d] = [512, 1024, 16, 64];
  const code = createCodeByRow(gpu, rows, k);
  const byLatent = createCodeByLatent(gpu, rows, k, latents);
  const matrix = (n: number) => createRows(gpu, "matrix", n, d);
  const [w, x] = [matrix(latents), onlyShard(matrix(rows))];
  const scaled = { scalars: createScalars(gpu), scaleWord: 0 };
  const table = createPrefixTable(gpu, [{ bound: 100, weight: 1 }, { bound: latents, weight: 1 }]);
  const groups = { size: latents, firstGroup: 0, groups: 1, out: x, blockRows: rows };
  const [words, all, batch] = [rows * k, latents * d / 4, rows * d / 4];
  const copies: [string, readonly Command[], number[]][] = [
    ["decode_rows", decodeRows.record(gpu, { code, w, recon: x }), [words / 2, all]],
    ["code_gradient", codeGradient.record(gpu, { code, w, residual: x, ...scaled }), [all, batch]],
    [
      "grad_latents",
      gradLatents.record(gpu, {
        ...{ code: byLatent, weight: "value", rows: x, grad: w, ...scaled },
      }),
      [words, batch],
    ],
    [
      "decode_prefixes",
      decodePrefixes.record(gpu, {
        ...{ code, w, start: x, table, suffix: x, residual: x, squares: x },
      }),
      [all],
    ],
    ["decode_groups", decodeGroups.record(gpu, { code, w, ...groups }), [all]],
    [
      "score_candidates",
      scoreCandidates.record(gpu, {
        ...{ candidates: code, count: k, x, w, bias: x, scores: code.dz },
      }),
      [batch, all],
    ],
  ];
  for (const [name, commands, wanted] of copies) assert.deepEqual(copiesOf(commands), wanted, name);
});

Deno.test("the entries of a code are those that are usual, at most those that it has room for", async () => {
  const code = createCodeByRow(await dry(whole), 4, 8);
  assert.equal(entriesOf(code), 32);
  assert.equal(entriesOf({ ...code, usual: 7 }), 7);
  assert.equal(entriesOf({ ...code, usual: 70 }), 32);
});
