/**
 * The story of somebody who trains several dictionaries on the same activations: harvest once, train from the store, and
 * measure with the model that the activations came from.
 */
import assert from "assert";
import { join } from "node:path";
import { dictionaryConfig } from "../../lib/commands/dictionary_config.ts";
import { sdm } from "../cli/_sdm.ts";
import { withFolder } from "../files/folder.ts";
import { writeTexts } from "./corpus.ts";

Deno.test("story: harvest once, train from the store, measure on other text", () =>
  withFolder(async (folder) => {
    const texts = join(folder, "texts"), store = join(folder, "store"), run = join(folder, "run");
    await writeTexts(texts);
    const model = ["--onnx", "models/demo/model.onnx"];

    const harvested = await sdm([
      ...["harvest", ...model, "--hookpoint", "blocks.2.hook_mlp_out", "--out", store],
      ...["--text", texts, "--max-tokens", "9000", "--context-size", "64"],
    ]);
    assert.equal(harvested.code, 0, harvested.err);
    assert.match(harvested.out, /^Store {2}.*: 8\.\d+ k rows of width 192 in 1 files$/m);

    const trained = await sdm([
      ...["train", "--activations", store, "--output-path", run, "--json"],
      ...["--training-tokens", "16384", "--batch-tokens", "256", "--d-sae", "256", "--k", "8"],
    ]);
    assert.equal(trained.code, 0, trained.err);
    const { figures, steps, finished } = JSON.parse(trained.out);
    assert.deepEqual([steps, finished], [64, true]);
    const [first] = (await Deno.readTextFile(join(run, "metrics.jsonl"))).split("\n");
    assert.ok(figures["recon/fvu"] < 0.9 * JSON.parse(first)["recon/fvu"], "the loss has fallen");
    const sidecar = JSON.parse(await Deno.readTextFile(join(run, "final", "sdm.json")));
    assert.equal(sidecar.hooks.in.tl, "blocks.2.hook_mlp_out", "the store knew the hookpoint");

    // A store holds no model: the command asks for it, and then for text.
    const asked = await sdm(["eval", run]);
    assert.equal(asked.code, 2);
    assert.match(asked.err, /model\.onnx is needed\nHint: --onnx model\.onnx\n$/);
    const known = await dictionaryConfig(run, [{ path: "model.onnx", value: "model.onnx" }]);
    assert.deepEqual(
      [known.model.hookpoint, known.data.context_size],
      ["blocks.2.hook_mlp_out", 64],
      "how the text was cut and tapped is known from the store",
    );
    const evaluated = await sdm([
      ...["eval", join(run, "final"), ...model, "--json", "--eval-tokens", "800"],
      ...["--eval-text", "models/demo/corpus/heldout.jsonl.gz"],
    ]);
    assert.equal(evaluated.code, 0, evaluated.err);
    const { contenders, evalTokens } = JSON.parse(evaluated.out);
    assert.equal(evalTokens, 800);
    const fvu = (i: number) =>
      contenders[i].figures.find((f: { name: string }) => f.name === "recon/fvu").value;
    assert.ok(fvu(0) < fvu(2), `trained ${fvu(0)}, untrained ${fvu(2)}`);
  }));
