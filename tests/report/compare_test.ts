/** Families at equal L0: what takes part, that runs go on, and the tables. */
import assert from "assert";
import { silent } from "../../lib/base/progress.ts";
import type { Entrant } from "../../lib/config/entrants.ts";
import { TYPES } from "../../lib/config/names.ts";
import { runCompare } from "../../lib/report/compare.ts";
import { comparePage, compareRows, groupTitle, l0Remark } from "../../lib/report/compare_page.ts";
import { type CompareRequest, planComparison } from "../../lib/report/compare_plan.ts";
import type { CompareGroup, CompareOutcome } from "../../lib/report/compare_types.ts";
import { withFolder } from "../files/folder.ts";

const DEMO = new URL("../../models/demo/", import.meta.url).pathname;
const ALL: Entrant[] = TYPES.map((type) => ({ type }));

/** Eight steps of the bundled model's activations. */
const KEYS: [string, unknown][] = Object.entries({
  "model.onnx": `${DEMO}model.onnx`,
  "model.hookpoint": "blocks.1.hook_resid_post",
  "data.text": [`${DEMO}corpus/heldout.jsonl.gz`],
  "data.eval_text": [`${DEMO}corpus/heldout.jsonl.gz`],
  "data.context_size": 64,
  "data.buffer_tokens": 1024,
  "dictionary.d_sae": 128,
  "dictionary.k": 8,
  "dictionary.auxk_coefficient": 0.1,
  "train.training_tokens": 1024,
  "train.batch_tokens": 128,
  "train.eval_tokens": 1024,
  "train.downstream_tokens": 128,
});

function request(path: string, options: Partial<CompareRequest> = {}): CompareRequest {
  return { placed: KEYS, source: "command line", points: {}, path, overwrite: false, ...options };
}

const names = async (options: Partial<CompareRequest>) =>
  (await planComparison(request("runs/x", options), ALL)).runs.map((run) => run.name);

Deno.test("all families take part whose hookpoints are known", async () => {
  const autoencoders = await names({});
  assert.deepEqual(autoencoders, TYPES.slice(0, TYPES.indexOf("transcoder")));
  const transcode = ["blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out"] as const;
  assert.deepEqual(await names({ points: { transcode } }), [
    ...autoencoders,
    "transcoder",
    "skip_transcoder",
  ]);
  const layers = ["blocks.*.mlp.hook_in", "blocks.*.hook_mlp_out"] as const;
  assert.deepEqual(await names({ points: { layers } }), [...autoencoders, "clt"]);
  const placed: [string, unknown][] = [
    ...KEYS.filter(([path]) => path !== "model.hookpoint"),
    ["data.context_size", 64],
  ];
  await assert.rejects(names({ placed }), { name: "SdmError", message: /no hookpoint is named/ });
});

Deno.test("a plan checks every run before the first, and counts the layers of the model", async () => {
  const points = { layers: ["blocks.*.mlp.hook_in", "blocks.*.hook_mlp_out"] as const };
  const plan = await planComparison(
    request("runs/x", {
      entrants: [{ type: "topk" }, { type: "relu" }, { type: "clt", activation: "relu" }],
      points,
    }),
    ALL,
  );
  assert.equal(plan.l0, 8);
  assert.deepEqual(plan.runs.map((run) => run.l0), [8, 8, 32]);
  assert.equal(plan.runs[2].config.dictionary.target_l0, 32);
  assert.deepEqual(plan.runs.map((run) => run.dropped.length), [0, 1, 1]);
  assert.equal(new Set(plan.runs.map((run) => run.group)).size, 2);
  assert.ok(plan.runs[2].config.output_path.endsWith("runs/x/clt-relu"));

  const wrong: [Partial<CompareRequest>, RegExp][] = [
    [{ entrants: [{ type: "topk" }, { type: "transcoder" }] }, /hookpoint_out/],
    [{ entrants: [{ type: "relu" }] }, /auxk_coefficient is given, and none of relu takes it/],
    [{ placed: [...KEYS, ["dictionary.d_sae", 130]] }, /groupmax/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(names(options), { name: "SdmError", message });
  }
});

Deno.test("families are trained, measured on the same rows, and not trained again", () =>
  withFolder(async (folder) => {
    const wanted = request(folder, {
      entrants: [{ type: "topk" }, { type: "transcoder", activation: "relu" }],
      points: { transcode: ["blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out"] },
    });
    const stop = new AbortController();
    const stages: string[] = [];
    const onProgress = ({ stage, done }: { stage: string; done: number }) => {
      stages.push(stage);
      if (stage === "2/2 transcoder:relu: train" && done >= 256) stop.abort();
    };
    const stopped = await runCompare(wanted, { onProgress, signal: stop.signal });
    assert.deepEqual([stopped.finished, stopped.groups], [false, []]);
    stages.length = 0;
    const outcome = await runCompare(wanted, { onProgress });
    assert.ok(outcome.finished);
    assert.ok(!stages.some((stage) => stage.startsWith("1/2 topk")), "topk was done");

    const [own, other] = outcome.groups;
    assert.deepEqual(own.rows.map((row) => row.name), ["topk", "PCA"]);
    assert.deepEqual([own.inputs, own.outputs], [["blocks.1.hook_resid_post"], []]);
    assert.deepEqual(other.outputs, ["blocks.1.hook_mlp_out"]);
    const [topk] = own.rows;
    assert.equal(own.eval_tokens, 1024);
    // Two contexts of 64 tokens, their first positions and last losses left out.
    assert.ok(topk.figures["model/tokens_eval_reconstruction"]! <= 2 * 62);
    assert.ok(topk.figures["model/ce_loss_score"]! > 0 && topk.figures["model/ce_loss_score"]! < 1);
    const ce = (g: CompareGroup) => g.rows[0].figures["model/ce_loss"];
    assert.ok(Math.abs(ce(own)! - ce(other)!) < 1e-4, "the model is the same");
    assert.ok(topk.figures["recon/fvu"]! < 1 && topk.figures["sparsity/l0"] === 8);
    assert.ok(topk.tokens_per_second! > 0 && topk.peak_gpu_bytes! > 1e5);
    const saved = JSON.parse(await Deno.readTextFile(`${folder}/compare.json`));
    assert.deepEqual(saved.groups, JSON.parse(JSON.stringify(outcome.groups)));
    assert.match(
      await Deno.readTextFile(`${folder}/compare.md`),
      /\| topk +\| 0\.\d+ +\| -?\d[\d.]* +\| 8 /,
    );

    const again = await runCompare(wanted, { onProgress: silent });
    assert.deepEqual(again, outcome);
  }));

Deno.test("a row whose L0 is another is marked and named", () => {
  const row = (name: string, l0: number) => ({
    name,
    l0: 32,
    figures: {
      "recon/fvu": 0.25,
      "sparsity/l0": l0,
      "sparsity/dead_frac": 0,
      "model/ce_loss_score": 0.875,
    },
    tokens_per_second: 12345,
    peak_gpu_bytes: 2 ** 20,
  });
  const group: CompareGroup = {
    inputs: ["a", "b", "c"],
    outputs: ["d"],
    eval_tokens: 1000,
    rows: [row("topk", 32), row("relu", 33.5), row("gated", 28.8)],
  };
  assert.deepEqual(compareRows(group).map((cells) => cells[3]), ["32", "33.5", "28.8 (-10 %)"]);
  assert.match(l0Remark(group)!, /not comparable: gated \(-10 %\)\.$/);
  assert.equal(l0Remark({ ...group, rows: group.rows.slice(0, 2) }), undefined);
  assert.equal(groupTitle(group), "From a … c to d");
  const outcome = {
    l0: 32,
    training_tokens: 1e6,
    adapter: "some adapter",
    groups: [group],
    dropped: {},
    finished: true,
  } satisfies CompareOutcome;
  const page = comparePage(outcome, "sdm compare");
  assert.match(page, /\| topk +\| 0\.25 \| 0\.875 +\| 32 +\| 0 +\| 12\.3 k +\| 1 MiB +\|/);
});
