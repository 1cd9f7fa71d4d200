// The manifest of a run: keys in files are snake_case, in code camelCase, and older files are still read.
import assert from "assert";
import { join } from "node:path";
import { MINIMAL_FACTS } from "../../lib/gpu/facts.ts";
import { readManifest, type RunManifest, writeManifest } from "../../lib/train/manifest.ts";
import { withFolder } from "../files/folder.ts";

const manifest: RunManifest = {
  format: "sdm-run",
  version: 1,
  tool: "sdm test",
  created: "2026-01-01T00:00:00.000Z",
  config_sha256: "00",
  adapter: { ...MINIMAL_FACTS, tuning: { encode_gemm: "staged64" } },
  input_scales: [1],
  provenance: {
    hookpoint: "blocks.0.hook_resid_post",
    modelSha256: "11",
    contextSize: 128,
    prependBos: false,
    droppedPositions: [0],
    droppedTokens: [],
  },
  data: {},
  data_sha256: "22",
};

Deno.test("a run's manifest has snake_case keys on disk and comes back as it was", () =>
  withFolder(async (run) => {
    await writeManifest(run, manifest);
    const path = join(run, "manifest.json");
    const text = await Deno.readTextFile(path);
    assert.deepEqual(text.match(/"\w*[a-z][A-Z]\w*":/g), null);
    assert.match(text, /"model_sha256": "11"/);
    assert.deepEqual(await readManifest(run), manifest);
    // As it was written before.
    await Deno.writeTextFile(path, JSON.stringify(manifest));
    assert.deepEqual(await readManifest(run), manifest);
  }));
