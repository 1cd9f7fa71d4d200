import assert from "assert";
import { join } from "node:path";
import { silent } from "../../lib/base/progress.ts";
import { formatFigure } from "../../lib/base/format.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { textOptions } from "../../lib/config/text_options.ts";
import { openTextInputs } from "../../lib/data/text_inputs.ts";
import { readHeldOut } from "../../lib/evals/evaluate.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { buildReport } from "../../lib/report/build.ts";
import { visibleToken } from "../../lib/report/token_text.ts";
import { runTraining } from "../../lib/train/run.ts";
import { withFolder } from "../files/folder.ts";
import { byClass, byId, findAll, parsePage, textOf } from "./_html.ts";

const ROWS = 1500, LATENTS = 8;

/** Trains a small dictionary of the bundled model. */
async function smallRun(run: string) {
  const values = {
    output_path: run,
    "train.training_tokens": 4096,
    "train.batch_tokens": 256,
    "train.eval_tokens": ROWS,
    "train.downstream_tokens": 512,
    "dictionary.d_sae": 192,
    "dictionary.k": 6,
    "report.latents": LATENTS,
    "report.contexts": 4,
  };
  const overrides = Object.entries(values).map(([path, value]) => ({ path, value }));
  const file = new URL("../../models/demo/demo.toml", import.meta.url).pathname;
  const config = await loadConfig({ file, overrides });
  await runTraining({ config, resume: false, overwrite: false }, { onProgress: silent });
  return config;
}

Deno.test("the report and eval.json of a run hold what a float64 computation over the same text gives", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const config = await smallRun(run);
    const outcome = await buildReport({ path: run, config }, { onProgress: silent });
    assert.equal(outcome.file, join(run, "report.html"));
    assert.equal(outcome.evalTokens, ROWS);

    // eval.json holds the outcome.
    const written = JSON.parse(await Deno.readTextFile(join(run, "eval.json")));
    assert.deepEqual([written.eval, written.tokens, written.seed], ["core", ROWS, 0]);
    assert.deepEqual(
      written.contenders.map((c: { metrics: unknown }) => c.metrics),
      outcome.contenders.map((c) => Object.fromEntries(c.figures.map((f) => [f.name, f.value]))),
    );
    for (const figure of outcome.contenders[0].figures) {
      assert.equal(written.definitions[figure.name], figure.definition);
    }

    // Losses of the model, of 4 contexts whose first positions do not count.
    const value = (name: string) => written.contenders[0].metrics[`model/${name}`] as number;
    assert.ok(value("ce_loss") < value("ce_loss_with_sae"));
    assert.ok(value("ce_loss_with_sae") < value("ce_loss_with_zero"));
    assert.ok(value("ce_loss_score") > 0 && value("ce_loss_score") < 1);
    assert.equal(written.downstream.tokens, value("tokens_eval_reconstruction"));
    assert.ok(written.downstream.tokens > 450 && written.downstream.tokens <= 4 * 126);
    assert.equal(written.downstream.ablate_positions, "all");

    // The same rows through the reference.
    const { record } = await openDictionary(run);
    assert.ok(record.kind === "sae");
    const inputs = await openTextInputs(textOptions(config, "held_out"), { onProgress: silent });
    const data = await readHeldOut(inputs, { maxRows: ROWS, onProgress: silent });
    await inputs.runner.close();
    const [{ d, x }] = data.points;
    const { latents, reconstruction } = forwardRecord(record, x);
    const mean = new Float64Array(d);
    x.forEach((v, i) => mean[i % d] += v / ROWS);
    let error = 0, variance = 0;
    x.forEach((v, i) => {
      error += (v - reconstruction[i]) ** 2;
      variance += (v - mean[i % d]) ** 2;
    });
    const figure = (name: string) =>
      outcome.contenders[0].figures.find((f) => f.name === name)!.value as number;
    const close = (name: string, value: number) =>
      assert.ok(
        Math.abs(figure(name) - value) <= 1e-5 * value,
        `${name}: ${figure(name)}, ${value}`,
      );
    close("recon/fvu", error / variance);
    close("recon/mse", error / ROWS);
    close("sparsity/l0", latents.filter((v) => v !== 0).length / ROWS);
    const fired = new Uint32Array(record.dSae);
    latents.forEach((v, i) => v !== 0 && fired[i % record.dSae]++);
    close("sparsity/dead_frac", fired.filter((n) => n === 0).length / record.dSae);

    // The page shows them.
    const page = parsePage(await Deno.readTextFile(outcome.file));
    const cells = findAll(byId(page, "metrics"), (e) => e.name === "td").map(textOf);
    assert.ok(cells.some((text) => text.startsWith(formatFigure(figure("recon/fvu")))));
    const facts = textOf(byId(page, "run"));
    for (
      const words of [
        "sae, topk, 192 latents of width 192",
        "k = 6",
        "blocks.2.hook_resid_post",
        "heldout.jsonl.gz",
      ]
    ) {
      assert.ok(facts.includes(words), words);
    }

    // Its cards show where a latent fires most strongly.
    const cards = byClass(page, "card");
    assert.equal(cards.length, LATENTS);
    for (const card of cards) {
      const f = Number(card.attributes["data-latent"]);
      let top = 0;
      for (let r = 0; r < ROWS; r++) {
        if (latents[r * record.dSae + f] > latents[top * record.dSae + f]) top = r;
      }
      assert.ok(
        Math.abs(Number(card.attributes["data-max"]) - latents[top * record.dSae + f]) < 1e-4,
      );
      assert.equal(Number(card.attributes["data-density"]), fired[f] / ROWS);
      const id = inputs.tokens.idsOf(data.context[top])[data.position[top]];
      const token = inputs.tokenizer.tokenText(id);
      const peak = textOf(byClass(card, "peak")[0]);
      assert.equal(peak, visibleToken(token), `latent ${f}`);
      assert.ok(byClass(card, "contexts")[0].children.length <= 4);
      assert.match(textOf(card), /Promotes.*Suppresses/s);
    }

    // The dictionary alone, without its run, measures the same, and leaves nothing beside the page.
    const alone = join(folder, "alone.html");
    const path = join(run, "final");
    const before = [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
    const bare = await buildReport({ path, config, out: alone }, { onProgress: silent });
    assert.deepEqual(bare.contenders, outcome.contenders);
    assert.deepEqual([...Deno.readDirSync(path)].map((entry) => entry.name).sort(), before);
    parsePage(await Deno.readTextFile(alone));
  }));
