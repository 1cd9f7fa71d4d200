/** What running a dictionary must not depend on. */
import assert from "assert";
import { loadDictionary } from "../../lib/models/inference.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { selectEntries } from "../../lib/reference/select_entries.ts";
import type { Code } from "../../lib/reference/types.ts";
import { whole } from "../kernels/device.ts";
import { vector } from "../kernels/samples.ts";

Deno.test("codes are the same whether the room behind the entries of rows is read or not", async () => {
  const gpu = await whole();
  const dIn = 8, dSae = 600, rows = 2048;
  const f32 = (length: number, seed: number) => Float32Array.from(vector(length, { seed }));
  const record: DictionaryRecord = {
    kind: "sae",
    dIn,
    dOut: dIn,
    dSae,
    wEnc: f32(dSae * dIn, 1),
    bEnc: f32(dSae, 2).map((v) => v - 6),
    wDec: f32(dSae * dIn, 3),
    bDec: f32(dIn, 4),
    subtractBDec: true,
    gateByDecoderNorm: false,
    activation: { name: "relu" },
  };
  const x = f32(rows * dIn, 5);
  // Rows without entries, the last among them.
  x.fill(0, (rows - 3) * dIn);
  record.bDec.fill(0);
  const all = await loadDictionary(gpu, record, rows).run([x]);
  const small = loadDictionary(gpu, record, 128);
  let entries = 0;
  for (let first = 0; first < rows; first += 128) {
    const part = await small.run([x.subarray(first * dIn, (first + 128) * dIn)]);
    const from = all.rowStart[first], to = all.rowStart[first + 128];
    assert.deepEqual(all.latent.slice(from, to), part.latent);
    assert.deepEqual(all.value.slice(from, to), part.value);
    entries += part.latent.length;
  }
  assert.ok(entries > 10 * rows && all.latent.length === entries);
  assert.equal(all.rowStart[rows], all.rowStart[rows - 3]);
});

Deno.test("a selection over the batch can be run by batch, as in training, in place of its threshold", async () => {
  const gpu = await whole();
  const dIn = 8, dSae = 90, rows = 64, k = 2.5;
  const f32 = (length: number, seed: number) => Float32Array.from(vector(length, { seed }));
  const record: DictionaryRecord = {
    kind: "sae",
    dIn,
    dOut: dIn,
    dSae,
    wEnc: f32(dSae * dIn, 1),
    bEnc: f32(dSae, 2),
    wDec: f32(dSae * dIn, 3),
    bDec: f32(dIn, 4),
    subtractBDec: true,
    gateByDecoderNorm: false,
    activation: { name: "batchtopk", k, threshold: 3 },
  };
  const byBatch = loadDictionary(gpu, record, rows, true);
  assert.equal(byBatch.rowUnit, rows);
  const dense = loadDictionary(gpu, { ...record, activation: { name: "relu" } }, rows);
  for (const seed of [5, 6]) {
    const x = f32(rows * dIn, seed);
    const all = await dense.run([x]);
    const codeOf = ({ rowStart, latent, value }: typeof all): Code =>
      Array.from({ length: rows }, (_, r) =>
        Array.from(
          latent.subarray(rowStart[r], rowStart[r + 1]),
          (l, i) => ({ latent: l, value: value[rowStart[r] + i] }),
        ));
    const wanted = selectEntries(codeOf(all), Math.floor(k * rows));
    assert.deepEqual(codeOf(await byBatch.run([x])), wanted);
  }
  assert.equal(loadDictionary(gpu, record, rows).rowUnit, 1);
});
