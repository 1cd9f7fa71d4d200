import assert from "assert";
import { openDictionary } from "../../lib/interop/detect.ts";
import { writeSaelens } from "../../lib/interop/saelens.ts";
import { saveDictionary } from "../../lib/interop/save.ts";
import type { Activation, Provenance } from "../../lib/models/record.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { withFolder } from "../files/folder.ts";
import { golden, GOLDEN_THRESHOLD, randomRecord, randomRows } from "./fixtures.ts";

const provenance: Provenance = {
  hookpoint: "blocks.2.hook_resid_post",
  tensor: "/transformer/h.2/Add_1_output_0",
  modelName: "demo",
  modelSha256: "ab",
  tokenizerSha256: "cd",
  contextSize: 128,
  prependBos: false,
  droppedPositions: [0],
  droppedTokens: [3],
  inputScaleFolded: 0.25,
  data: "prose",
  config: { train: { steps: 7 } },
  figures: { l0: 2, fvu: 0.25, dead_frac: null },
};

async function edit(path: string, change: (json: Record<string, unknown>) => void): Promise<void> {
  const json = JSON.parse(await Deno.readTextFile(path));
  change(json);
  await Deno.writeTextFile(path, JSON.stringify(json));
}

Deno.test("a saved dictionary opens with the same bits and its whole provenance", () =>
  withFolder(async (folder) => {
    const threshold = Float32Array.from({ length: 12 }, (_, i) => i / 20);
    const activations: Activation[] = [
      { name: "topk", k: 3 },
      { name: "relu" },
      { name: "jumprelu", threshold },
    ];
    for (const activation of activations) {
      const record = randomRecord(5, 12, activation);
      await saveDictionary(`${folder}/final`, record, provenance);
      const opened = await openDictionary(`${folder}/final/`);
      assert.equal(opened.format, "sdm");
      assert.deepEqual(opened.record, record);
      assert.deepEqual(opened.provenance, provenance);
    }
    assert.equal((await openDictionary(folder)).folder, `${folder}/final`);
    const layers = {
      ...provenance,
      hookpointOut: "b",
      hookpoints: [provenance.hookpoint, "a"],
      hookpointsOut: ["b", "c"],
    };
    await saveDictionary(`${folder}/final`, randomRecord(5, 12, { name: "relu" }), layers);
    assert.deepEqual((await openDictionary(folder)).provenance, layers);
  }));

Deno.test("saving makes decoder rows unit vectors where that keeps the function, and says so", () =>
  withFolder(async (folder) => {
    const path = `${folder}/final`;
    const x = randomRows(10, 2);
    const relu = golden({ name: "relu" });
    const jump = golden({ name: "jumprelu", threshold: GOLDEN_THRESHOLD });
    const topk = golden({ name: "topk", k: 2 });
    const token = { ...relu, rowNorm: "token" } as const;
    for (const record of [relu, jump, topk, { ...topk, gateByDecoderNorm: true }, token]) {
      const written = await saveDictionary(path, record, provenance);
      const { record: opened } = await openDictionary(path);
      assert.deepEqual(opened, written);
      const wanted = forwardRecord(record, x).reconstruction;
      assert.ok(opened.kind === "sae");
      forwardRecord(opened, x).reconstruction.forEach((v, i) =>
        assert.ok(Math.abs(v - wanted[i]) < 1e-5)
      );
      const { gauge } = JSON.parse(await Deno.readTextFile(`${path}/sdm.json`));
      assert.equal(gauge.unit_decoder, record !== topk);
      assert.equal(gauge.input_scale_folded, 0.25);
    }
    assert.deepEqual([...Deno.readDirSync(folder)].map((e) => e.name), ["final"]);
  }));

Deno.test("sdm.json and cfg.json must agree on sizes, activation, k and b_dec", () =>
  withFolder(async (folder) => {
    const path = `${folder}/final`;
    const disagrees = async (field: string, value: unknown, pattern: RegExp) => {
      await saveDictionary(path, golden({ name: "topk", k: 2 }), provenance);
      await edit(`${path}/cfg.json`, (cfg) => cfg[field] = value);
      await assert.rejects(openDictionary(path), { name: "SdmError", message: pattern });
    };
    await disagrees("d_sae", 4, /d_sae is 3 in sdm\.json and 4 in cfg\.json/);
    await disagrees("d_in", 3, /d_in is 2/);
    await disagrees("k", 1, /k is 2 in sdm\.json and 1 in cfg\.json/);
    await disagrees("architecture", "standard", /activation is topk .* relu/);
    await disagrees("apply_b_dec_to_input", false, /subtraction of b_dec/);
    await disagrees("rescale_acts_by_decoder_norm", true, /gate is false/);
  }));

Deno.test("weights that sdm.json was not written for are refused", () =>
  withFolder(async (folder) => {
    const record = golden({ name: "topk", k: 2 });
    await saveDictionary(folder, record, provenance);
    record.bEnc[0] += 1;
    await writeSaelens(folder, record, provenance);
    await assert.rejects(openDictionary(folder), /the bytes of tensor "b_enc" are not those/);
    await Deno.remove(`${folder}/sdm.json`);
    const opened = await openDictionary(folder);
    assert.equal(opened.format, "saelens");
    assert.deepEqual(opened.record, record);
  }));

Deno.test("a damaged or newer sdm.json is refused by field, and it opens without cfg.json", () =>
  withFolder(async (folder) => {
    const path = `${folder}/final`;
    const damaged = async (change: (json: Record<string, unknown>) => void, pattern: RegExp) => {
      await saveDictionary(path, golden({ name: "topk", k: 2 }), provenance);
      await edit(`${path}/sdm.json`, change);
      await assert.rejects(openDictionary(path), { name: "SdmError", message: pattern });
    };
    await damaged((json) => json.version = 2, /version 2, "sdm-dict" version 1 is needed/);
    await damaged((json) => delete json.pre, /field "pre" is missing/);
    await damaged((json) => json.act = { name: "topk" }, /field "act"/);
    await damaged((json) => json.F = 3.5, /field "F" is 3\.5/);
    await saveDictionary(path, golden({ name: "topk", k: 2 }), provenance);
    await Deno.remove(`${path}/cfg.json`);
    assert.equal((await openDictionary(path)).record.dSae, 3);
  }));

Deno.test("a folder without a dictionary says what it holds and what is needed", () =>
  withFolder(async (folder) => {
    await assert.rejects(openDictionary(`${folder}/none`), /it does not exist/);
    await assert.rejects(openDictionary(folder), /it holds nothing, sdm\.json, or cfg\.json with/);
    await Deno.writeTextFile(`${folder}/a.txt`, "");
    await assert.rejects(openDictionary(folder), /it holds "a\.txt", /);
    await assert.rejects(openDictionary(`${folder}/a.txt`), /it is not a folder/);
  }));
