/**
 * The story of a newcomer: a model, a folder of texts, flags alone. Train a dictionary, measure it, look at its report, ask
 * which latents are active on a sentence.
 */
import assert from "assert";
import { join } from "node:path";
import { formatFigure } from "../../lib/base/format.ts";
import { sdm } from "../cli/_sdm.ts";
import { withFolder } from "../files/folder.ts";
import { byClass, byId, findAll, parsePage, textOf } from "../report/_html.ts";
import { writeTexts } from "./corpus.ts";

Deno.test("story: from texts to a dictionary, its figures, its report, and the latents of a sentence", () =>
  withFolder(async (folder) => {
    const texts = join(folder, "texts"), run = join(folder, "my-run");
    await writeTexts(texts);

    // Train. The report is left for later.
    const trained = await sdm([
      ...["train", "--onnx", "models/demo/model.onnx", "--hookpoint", "blocks.1.hook_resid_post"],
      ...["--text", texts, "--context-size", "64", "--output-path", run, "--no-eval"],
      ...["--training-tokens", "12288", "--batch-tokens", "256", "--d-sae", "256", "--k", "8"],
    ]);
    assert.equal(trained.code, 0, trained.err);
    assert.match(trained.out, /^Trained 48 steps: .*fvu 0\.\d+/);
    assert.match(trained.out, /^Run {5}.*my-run$/m);
    assert.match(
      trained.err,
      /^train 12288 tokens in /m,
      "progress in plain lines, not on a terminal",
    );
    const metrics = (await Deno.readTextFile(join(run, "metrics.jsonl"))).trim().split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(metrics.length, 48);
    assert.ok(metrics[47]["recon/fvu"] < 0.9 * metrics[0]["recon/fvu"], "it has learnt something");
    const cfg = JSON.parse(await Deno.readTextFile(join(run, "final", "cfg.json")));
    assert.deepEqual([cfg.architecture, cfg.d_in, cfg.d_sae, cfg.k], ["topk", 192, 256, 8]);

    // Measure it on the part of the text that training left out.
    const evaluated = await sdm(["eval", run, "--eval-tokens", "1000", "--json"]);
    assert.equal(evaluated.code, 0, evaluated.err);
    const outcome = JSON.parse(evaluated.out);
    const onDisk = JSON.parse(await Deno.readTextFile(join(run, "eval.json")));
    assert.deepEqual(
      outcome.contenders.map((c: { name: string }) => c.name),
      ["trained", "PCA, k = 8", "untrained"],
    );
    const [own, , untrained] = onDisk.contenders;
    assert.ok(own.metrics["recon/fvu"] < untrained.metrics["recon/fvu"]);
    assert.equal(own.metrics["sparsity/l0"], 8);

    // Write its report. It holds the figures of eval.json.
    const reported = await sdm(["report", run, "--eval-tokens", "1000", "--latents", "12"]);
    assert.equal(reported.code, 0, reported.err);
    const file = reported.out.match(/^Report {2}(.*)$/m)![1];
    assert.equal(file, join(run, "report.html"));
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(run, "eval.json"))), onDisk);
    const page = parsePage(await Deno.readTextFile(file));
    const cells = findAll(byId(page, "metrics"), (e) => e.name === "tr").map((row) =>
      findAll(row, (e) => e.name === "th" || e.name === "td").map(textOf)
    );
    for (const [name, value] of Object.entries(own.metrics)) {
      const row = cells.find(([head]) => head.startsWith(name));
      assert.ok(row?.[1].startsWith(formatFigure(value as number)), `${name} ${value}: ${row}`);
    }
    assert.equal(byClass(page, "card").length, 12);

    // Which latents are active on a sentence?
    const sentence = "The Congress of the United States and the whale";
    const encoded = await sdm(["encode", run, sentence, "--json"]);
    assert.equal(encoded.code, 0, encoded.err);
    const tokens: { token: string; latents: { latent: number; value: number }[] }[] = JSON.parse(
      encoded.out,
    );
    assert.equal(tokens.map(({ token }) => token).join(""), sentence);
    assert.equal(tokens[0].latents.length, 0, "the first position is not trained on");
    for (const { latents } of tokens.slice(1)) {
      assert.ok(latents.length > 0 && latents.length <= 8);
      assert.ok(latents.every(({ latent, value }) => latent < 256 && value > 0));
    }
  }));
