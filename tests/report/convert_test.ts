import assert from "assert";
import { join } from "node:path";
import { silent } from "../../lib/base/progress.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { Measured } from "../../lib/evals/definitions.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { convertDictionary } from "../../lib/report/convert.ts";
import { runTraining } from "../../lib/train/run.ts";
import { withFolder } from "../files/folder.ts";

const K = 5;

const valueOf = (figures: readonly Measured[], name: string) =>
  figures.find((f) => f.name === name)!.value!;

Deno.test("a cross-layer transcoder of the bundled model becomes a JumpReLU with the same L0", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const layers = [1, 2];
    const values: Record<string, unknown> = {
      output_path: run,
      "train.training_tokens": 8192,
      "train.batch_tokens": 256,
      "train.eval_tokens": 2000,
      "model.hookpoint": undefined,
      "model.hookpoints": layers.map((l) => `blocks.${l}.mlp.hook_in`),
      "model.hookpoints_out": layers.map((l) => `blocks.${l}.hook_mlp_out`),
      "dictionary.type": "clt",
      "dictionary.d_sae": 96,
      "dictionary.k": K,
    };
    const overrides = Object.entries(values).map(([path, value]) => ({ path, value }));
    const file = new URL("../../models/demo/demo.toml", import.meta.url).pathname;
    const config = await loadConfig({ file, overrides });
    await runTraining({ config, resume: false, overwrite: false }, { onProgress: silent });

    const out = join(folder, "converted");
    const hooks = { onProgress: silent };
    const { before, after, tokens } = await convertDictionary({ path: run, config, out }, hooks);
    assert.equal(tokens, 2000);
    assert.equal(valueOf(before, "sparsity/l0"), 2 * K);
    assert.ok(Math.abs(valueOf(after, "sparsity/l0") - 2 * K) < 0.01);
    assert.ok(valueOf(after, "recon/fvu") < 1.5 * valueOf(before, "recon/fvu"));
    const { record } = await openDictionary(out);
    assert.ok(record.kind === "clt" && record.activation.name === "jumprelu");
    assert.equal(record.activation.threshold.length, 2 * 96);
    await assert.rejects(convertDictionary({ path: run, config, out }, hooks), {
      message: /^Cannot write to ".*converted": it exists, a new folder is needed$/,
    });
  }));
