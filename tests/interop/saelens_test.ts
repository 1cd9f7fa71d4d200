import assert from "assert";
import type { SdmError } from "../../lib/base/errors.ts";
import { SafetensorsFile } from "../../lib/files/safetensors.ts";
import { writeSafetensors } from "../../lib/files/safetensors_write.ts";
import { readSaelens, writeSaelens } from "../../lib/interop/saelens.ts";
import type { Activation, Provenance } from "../../lib/models/record.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { withFolder } from "../files/folder.ts";
import { golden, GOLDEN_THRESHOLD, GOLDEN_X, randomRecord } from "./fixtures.ts";

const provenance: Provenance = {
  hookpoint: "blocks.2.hook_resid_post",
  modelName: "demo",
  contextSize: 128,
  prependBos: false,
  droppedPositions: [0],
  data: "prose",
};

const activations: Activation[] = [
  { name: "relu" },
  { name: "topk", k: 2 },
  { name: "jumprelu", threshold: GOLDEN_THRESHOLD },
];

const readConfig = async (folder: string) =>
  JSON.parse(await Deno.readTextFile(`${folder}/cfg.json`)) as Record<string, unknown>;

async function change(folder: string, fields: Record<string, unknown>): Promise<void> {
  const cfg = { ...await readConfig(folder), ...fields };
  await Deno.writeTextFile(`${folder}/cfg.json`, JSON.stringify(cfg));
}

Deno.test("a dictionary comes back from a SAELens folder with the same bits", () =>
  withFolder(async (folder) => {
    for (const activation of activations) {
      for (const subtractBDec of [true, false]) {
        const record = golden(activation, subtractBDec);
        await writeSaelens(folder, record, provenance);
        const back = await readSaelens(folder);
        assert.deepEqual(back.record, record);
        assert.equal(back.provenance.hookpoint, provenance.hookpoint);
        assert.equal(back.provenance.contextSize, 128);
        assert.deepEqual(back.provenance.droppedPositions, [0]);
        assert.equal(back.metadata.model_name, "demo");
      }
    }
  }));

Deno.test("the folder has the fields, the tensors and the orientation that SAELens loads", () =>
  withFolder(async (folder) => {
    const logDensity = Float32Array.of(-1, -2, -3);
    await writeSaelens(folder, golden(activations[1]), provenance, { logDensity });
    const { metadata, ...cfg } = await readConfig(folder);
    assert.deepEqual(cfg, {
      architecture: "topk",
      d_in: 2,
      d_sae: 3,
      dtype: "float32",
      device: "cpu",
      apply_b_dec_to_input: true,
      normalize_activations: "none",
      reshape_activations: "none",
      k: 2,
      rescale_acts_by_decoder_norm: false,
    });
    const fields = metadata as Record<string, unknown>;
    assert.match(String(fields.sae_lens_version), /^6\./);
    assert.equal(fields.hook_name, "blocks.2.hook_resid_post");
    assert.deepEqual(fields.seqpos_slice, [1, null]);
    using weights = await SafetensorsFile.open(`${folder}/sae_weights.safetensors`);
    assert.deepEqual(weights.names, ["W_dec", "W_enc", "b_dec", "b_enc"]);
    assert.deepEqual(weights.info("W_enc").shape, [2, 3]);
    assert.deepEqual([...await weights.read("W_enc")], [1, 0, -1, 0, 1, 1]);
    assert.deepEqual([...await weights.read("W_dec")], [2, 0, 0, 1, -1, 1]);
    using sparsity = await SafetensorsFile.open(`${folder}/sparsity.safetensors`);
    assert.deepEqual(await sparsity.read("sparsity"), logDensity);
  }));

Deno.test("a record that gates on norms is written with unit rows and no flag: the same function", () =>
  withFolder(async (folder) => {
    const gated = { ...golden({ name: "topk", k: 1 }), gateByDecoderNorm: true };
    await writeSaelens(folder, gated, provenance);
    assert.equal((await readConfig(folder)).rescale_acts_by_decoder_norm, false);
    const result = forwardRecord((await readSaelens(folder)).record, GOLDEN_X);
    [2.2, 0, 0].forEach((v, i) => assert.ok(Math.abs(result.latents[i] - v) < 1e-6));
    [2.7, -0.5].forEach((v, i) => assert.ok(Math.abs(result.reconstruction[i] - v) < 1e-6));
  }));

Deno.test("a foreign folder with the flag and rows that are not unit gives SAELens's latents", () =>
  withFolder(async (folder) => {
    await writeSaelens(folder, golden({ name: "topk", k: 1 }), provenance);
    await change(folder, { rescale_acts_by_decoder_norm: true });
    const result = forwardRecord((await readSaelens(folder)).record, GOLDEN_X);
    [2.2, 0, 0].forEach((v, i) => assert.ok(Math.abs(result.latents[i] - v) < 1e-6));
    [2.7, -0.5].forEach((v, i) => assert.ok(Math.abs(result.reconstruction[i] - v) < 1e-6));
  }));

Deno.test("an input scale is folded when the folder gives it, and refused when not", () =>
  withFolder(async (folder) => {
    await writeSaelens(folder, golden({ name: "relu" }), provenance);
    await change(folder, { normalize_activations: "expected_average_only_in" });
    await assert.rejects(readSaelens(folder), /"activation_scaler.json" is needed/);
    await Deno.writeTextFile(`${folder}/activation_scaler.json`, '{"scaling_factor": 0.5}');
    const { record, provenance: origin } = await readSaelens(folder);
    const result = forwardRecord(record, GOLDEN_X);
    [0.35, 0.55, 0.55].forEach((v, i) => assert.ok(Math.abs(result.latents[i] - v) < 1e-6));
    [1.3, 1.2].forEach((v, i) => assert.ok(Math.abs(result.reconstruction[i] - v) < 1e-6));
    assert.equal(origin.inputScaleFolded, 0.5);
  }));

Deno.test("rows that SAELens normalises one by one are normalised by the record", () =>
  withFolder(async (folder) => {
    const golds = {
      layer_norm: { latents: [0.307097, 0, 0], y: [1.787854, 0.646447] },
      constant_norm_rescale: { latents: [0.941641, 0.747214, 0.155573], y: [2.490654, 0.450329] },
    };
    for (const [mode, { latents, y }] of Object.entries(golds)) {
      await writeSaelens(folder, golden({ name: "relu" }), provenance);
      await change(folder, { normalize_activations: mode });
      const { record } = await readSaelens(folder);
      const result = forwardRecord(record, GOLDEN_X);
      latents.forEach((v, i) => assert.ok(Math.abs(result.latents[i] - v) < 1e-5));
      y.forEach((v, i) => assert.ok(Math.abs(result.reconstruction[i] - v) < 1e-5));
      await writeSaelens(folder, record, provenance);
      assert.equal((await readConfig(folder)).normalize_activations, mode);
      assert.deepEqual((await readSaelens(folder)).record, record);
    }
  }));

Deno.test("half weights are written rounded and read as float32", () =>
  withFolder(async (folder) => {
    const record = randomRecord(5, 12, { name: "topk", k: 3 });
    for (const [dtype, relative] of [["bfloat16", 2 ** -8], ["float16", 2 ** -10]] as const) {
      await writeSaelens(folder, record, provenance, { dtype });
      assert.equal((await readConfig(folder)).dtype, dtype);
      const back = (await readSaelens(folder)).record;
      back.wEnc.forEach((v, i) =>
        assert.ok(Math.abs(v - record.wEnc[i]) <= relative * Math.abs(record.wEnc[i]) + 1e-7)
      );
      assert.ok(back.wEnc.some((v, i) => v !== record.wEnc[i]));
    }
  }));

Deno.test("what cannot be read is refused in one sentence that says why", () =>
  withFolder(async (folder) => {
    const refused = async (fields: Record<string, unknown>, pattern: RegExp) => {
      await writeSaelens(folder, golden(activations[1]), provenance);
      await change(folder, fields);
      await assert.rejects(readSaelens(folder), (error: SdmError) => {
        assert.equal(error.name, "SdmError");
        assert.match(error.message, pattern);
        assert.ok(!error.message.includes("\n"));
        return true;
      });
    };
    await refused({ architecture: "temporal" }, /architecture is "temporal"/);
    await refused({ architecture: "batchtopk" }, /architecture is "batchtopk"/);
    await refused({ metadata: {} }, /of SAELens before 6\.0/);
    await refused({ metadata: { sae_lens_version: "5.11.0" } }, /of SAELens 5\.11\.0/);
    await refused({ normalize_activations: "batch" }, /normalize_activations is "batch", "none", /);
    await refused({ d_sae: 4 }, /tensor "W_enc" has shape \[2, 3\], \[2, 4\] is needed/);
    await refused({ d_in: "2" }, /field "d_in" is "2", a positive whole number/);
    await refused({ k: 4 }, /k is 4, at most d_sae 3/);
    await refused({ architecture: "jumprelu" }, /it lacks threshold, exactly W_enc/);
  }));

Deno.test("extra tensors, weights that are not finite and a missing file are refused", () =>
  withFolder(async (folder) => {
    const record = golden({ name: "relu" });
    await writeSaelens(folder, record, provenance);
    const path = `${folder}/sae_weights.safetensors`;
    using file = await SafetensorsFile.open(path);
    const tensors = await Promise.all(file.names.map(async (name) => ({
      name,
      shape: file.info(name).shape,
      data: await file.read(name),
    })));
    await writeSafetensors(path, [...tensors, { ...tensors[2], name: "extra" }]);
    await assert.rejects(readSaelens(folder), /it has extra, exactly W_enc, W_dec, b_enc, b_dec/);
    tensors[0].data[1] = NaN;
    await writeSafetensors(path, tensors);
    await assert.rejects(readSaelens(folder), /element 1 of "W_dec" is NaN/);
    await Deno.remove(path);
    await assert.rejects(readSaelens(folder), /it does not exist/);
    const transcoder = { ...record, kind: "transcoder" } as const;
    await assert.rejects(writeSaelens(folder, transcoder, provenance), /an sae is needed/);
  }));
