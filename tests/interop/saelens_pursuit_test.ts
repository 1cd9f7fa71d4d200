/** Matching pursuits in SAELens folders: one matrix, and the rules by which rows stop. */
import assert from "assert";
import { SafetensorsFile } from "../../lib/files/safetensors.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { readSaelens, writeSaelens } from "../../lib/interop/saelens.ts";
import { exportForm, saveDictionary } from "../../lib/interop/save.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { withFolder } from "../files/folder.ts";
import { golden, randomRows } from "./fixtures.ts";

const origin = { hookpoint: "blocks.2.hook_resid_post" };

/** The golden decoder, rows of lengths 2, 1 and √2, as a pursuit. */
function pursuit(rules: Partial<Rules> = {}, subtractBDec = true): DictionaryRecord {
  const record = golden({
    name: "matching_pursuit",
    iterations: 4,
    residualThreshold: 0.75,
    stopOnDuplicateSupport: true,
    relu: true,
    ...rules,
  }, subtractBDec);
  const bDec = subtractBDec ? record.bDec : new Float32Array(2);
  return { ...record, wEnc: record.wDec, bEnc: new Float32Array(3), bDec };
}

type Rules = Extract<DictionaryRecord["activation"], { name: "matching_pursuit" }>;

const readConfig = async (folder: string) =>
  JSON.parse(await Deno.readTextFile(`${folder}/cfg.json`)) as Record<string, unknown>;

async function change(folder: string, fields: Record<string, unknown>): Promise<void> {
  const cfg = { ...await readConfig(folder), ...fields };
  await Deno.writeTextFile(`${folder}/cfg.json`, JSON.stringify(cfg));
}

Deno.test("a pursuit comes back from a SAELens folder, its rows at the lengths they have", () =>
  withFolder(async (folder) => {
    const records = [
      pursuit(),
      pursuit({}, false),
      pursuit({ residualThreshold: 0, stopOnDuplicateSupport: false }),
    ];
    for (const [i, record] of records.entries()) {
      assert.deepEqual(exportForm(record), record);
      await saveDictionary(`${folder}/${i}`, record, origin);
      assert.equal((await openDictionary(`${folder}/${i}`)).format, "sdm");
      assert.deepEqual((await openDictionary(`${folder}/${i}`)).record, record);
      assert.deepEqual((await readSaelens(`${folder}/${i}`)).record, record);
    }
    const { metadata: _, ...cfg } = await readConfig(`${folder}/0`);
    assert.deepEqual(cfg, {
      architecture: "matching_pursuit",
      d_in: 2,
      d_sae: 3,
      dtype: "float32",
      device: "cpu",
      apply_b_dec_to_input: true,
      normalize_activations: "none",
      reshape_activations: "none",
      max_iterations: 4,
      residual_threshold: 0.75,
      stop_on_duplicate_support: true,
    });
    using weights = await SafetensorsFile.open(`${folder}/0/sae_weights.safetensors`);
    assert.deepEqual(weights.names, ["W_dec", "b_dec"]);
  }));

Deno.test("what SAELens cannot pursue alike is saved in the program's own layout", () =>
  withFolder(async (folder) => {
    const records = [pursuit({ relu: false }), {
      ...pursuit({}, false),
      bDec: Float32Array.of(1, 0),
    }];
    for (const [i, record] of records.entries()) {
      await saveDictionary(`${folder}/${i}`, record, origin);
      assert.deepEqual((await openDictionary(`${folder}/${i}`)).record, record);
      await assert.rejects(Deno.stat(`${folder}/${i}/cfg.json`), Deno.errors.NotFound);
    }
  }));

Deno.test("SAELens' own values stand where its folder is silent, and its bias only where it is used", () =>
  withFolder(async (folder) => {
    await writeSaelens(folder, pursuit(), origin);
    await change(folder, {
      max_iterations: null,
      residual_threshold: undefined,
      stop_on_duplicate_support: undefined,
      apply_b_dec_to_input: false,
    });
    const { record } = await readSaelens(folder);
    assert.deepEqual(record.activation, {
      name: "matching_pursuit",
      iterations: 2,
      residualThreshold: 0.01,
      stopOnDuplicateSupport: true,
      relu: true,
    });
    assert.deepEqual(record.bDec, new Float32Array(2));
  }));

Deno.test("an input scale that is not folded yet moves the threshold and the latents with it", () =>
  withFolder(async (folder) => {
    const scaled = pursuit({ residualThreshold: 0.5, stopOnDuplicateSupport: false });
    await writeSaelens(folder, scaled, origin);
    await change(folder, { normalize_activations: "expected_average_only_in" });
    await Deno.writeTextFile(`${folder}/activation_scaler.json`, '{"scaling_factor": 0.25}');
    const { record } = await readSaelens(folder);
    const x = randomRows(20, 2);
    const inside = forwardRecord(scaled, x.map((v) => v * 0.25));
    const outside = forwardRecord(record, x);
    assert.ok(inside.latents.some((v) => v > 0));
    assert.deepEqual([...outside.latents], [...inside.latents].map((v) => v * 4));
    assert.deepEqual([...outside.reconstruction], [...inside.reconstruction].map((v) => v * 4));
  }));

Deno.test("rules that are no rules, and files that disagree about them, are refused", () =>
  withFolder(async (folder) => {
    await writeSaelens(folder, pursuit(), origin);
    await change(folder, { residual_threshold: -1 });
    await assert.rejects(readSaelens(folder), {
      name: "SdmError",
      message:
        /residual_threshold is -1 and stop_on_duplicate_support true, a number of at least 0/,
    });
    await change(folder, { residual_threshold: 1, max_iterations: 0 });
    await assert.rejects(
      readSaelens(folder),
      /field "max_iterations" is 0, a positive whole number/,
    );
    const both = `${folder}/both`;
    await saveDictionary(both, pursuit(), origin);
    await change(both, { residual_threshold: 0.5 });
    await assert.rejects(openDictionary(both), {
      name: "SdmError",
      message:
        /stopping rule is 4 picks, length 0.75, repeats true in sdm.json and 4 picks, length 0.5/,
    });
  }));
