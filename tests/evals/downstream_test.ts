import assert from "assert";
import { silent } from "../../lib/base/progress.ts";
import {
  type AblatePositions,
  contextsAtOnce,
  type Downstream,
  downstreamOf,
  type DownstreamOptions,
  noDownstream,
  sumLosses,
  targetMeans,
} from "../../lib/evals/downstream.ts";
import { addLosses, downstreamFigures, emptyLossSum } from "../../lib/evals/downstream_sums.ts";
import type { LoadedDictionary } from "../../lib/models/loaded.ts";
import { createSplicer } from "../../lib/onnx/splice.ts";
import type { Splicer } from "../../lib/onnx/splice_types.ts";
import type { TokenSet } from "../../lib/text/packing.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import { parseModel } from "../../lib/onnx/graph.ts";
import { attribute, model, node, value, weight } from "../onnx/build.ts";
import demo from "../golden/demo_loss.json" with { type: "json" };
import golden from "../golden/splice.json" with { type: "json" };

const { layers, d, latents } = golden;
const MODEL = "tests/onnx/fixtures/gpt2.onnx";

/** Contexts of the given ids. */
function tokensOf(rows: readonly number[][]): TokenSet {
  const contextSize = rows[0].length, ids = Int32Array.from(rows.flat());
  const tokens: Partial<TokenSet> = {
    idsOf: (first, count = 1) => ids.slice(first * contextSize, (first + count) * contextSize),
    contexts: rows.length,
    contextSize,
  };
  return tokens as TokenSet;
}

/** Contexts with first positions and excluded tokens left out, as the golden file has it. */
function goldenInputs() {
  const tokens = tokensOf(golden.ids);
  const kept = keptPositions(tokens, { dropFirst: true, excludeTokens: golden.excluded });
  return { tokens, kept };
}

/** The cross-layer transcoder of the golden file, in plain loops. */
function goldenDictionary(maxRows = 5): LoadedDictionary {
  return {
    maxRows,
    rowUnit: 1,
    latents: layers * latents,
    widths: new Array<number>(2 * layers).fill(d),
    run(points) {
      const rows = points[0].length / d;
      assert.ok(rows <= maxRows);
      const codes = (r: number, i: number) =>
        Array.from({ length: latents }, (_, f) => {
          let h = golden.b_enc[i][f];
          for (let j = 0; j < d; j++) h += golden.w_enc[i][f * d + j] * points[i][r * d + j];
          return Math.max(0, h);
        });
      const recon = Array.from({ length: layers }, (_, l) => {
        const out = new Float32Array(rows * d);
        for (let r = 0; r < rows; r++) {
          const code = Array.from({ length: l + 1 }, (_, i) => codes(r, i)).flat();
          for (let j = 0; j < d; j++) {
            out[r * d + j] = code.reduce(
              (sum, f, i) => sum + f * golden.w_dec[l][i * d + j],
              golden.b_dec[l][j],
            );
          }
        }
        return out;
      });
      return Promise.resolve({ recon } as Awaited<ReturnType<LoadedDictionary["run"]>>);
    },
  };
}

const IN = Array.from({ length: layers }, (_, l) => `blocks.${l}.mlp.hook_in`);
const OUT = Array.from({ length: layers }, (_, l) => `blocks.${l}.hook_mlp_out`);

async function withSplicer<T>(inputs: string[], targets: string[], f: (s: Splicer) => Promise<T>) {
  const splicer = await createSplicer({
    model: MODEL,
    inputs,
    targets,
    provider: "cpu",
    threads: 1,
  });
  try {
    return await f(splicer);
  } finally {
    await splicer.close();
  }
}

async function measureDownstream(
  dictionary: LoadedDictionary,
  splicer: Splicer,
  inputs: Parameters<typeof sumLosses>[2],
  options: DownstreamOptions,
): Promise<Downstream> {
  const sums = await sumLosses(dictionary, splicer, inputs, options);
  const { ablatePositions } = options;
  return "reason" in sums
    ? noDownstream(sums.reason, ablatePositions)
    : downstreamOf(sums, ablatePositions);
}

function options(means: Float32Array[], ablatePositions: AblatePositions = "all") {
  return { maxTokens: 1e6, means, ablatePositions, contextsPerRun: 2, onProgress: silent };
}

function valueOf({ figures }: Downstream, name: string): number {
  const found = figures.find((figure) => figure.name === `model/${name}`)?.value;
  assert.ok(found !== undefined && found !== null, name);
  return found;
}

function near(found: number, wanted: number, what: string, tolerance = 1e-5) {
  const error = Math.abs(found - wanted) / Math.max(1, Math.abs(wanted));
  assert.ok(error < tolerance, `${what}: ${found}, PyTorch has ${wanted}`);
}

Deno.test("losses with all layers replaced, one alone, and one after another are PyTorch's", async () => {
  const means = golden.means.map((row) => Float32Array.from(row));
  const found = await withSplicer(
    IN,
    OUT,
    (splicer) => measureDownstream(goldenDictionary(), splicer, goldenInputs(), options(means)),
  );
  near(valueOf(found, "ce_loss"), golden.ce.clean, "clean");
  near(valueOf(found, "ce_loss_with_sae"), golden.ce.sae, "all at once");
  near(valueOf(found, "ce_loss_with_zero"), golden.ce.zero, "zero");
  near(valueOf(found, "ce_loss_with_mean"), golden.ce.mean, "mean");
  near(valueOf(found, "ce_loss_with_sae_running"), golden.ce.running, "running");
  near(valueOf(found, "ce_loss_with_sae_layer_0"), golden.ce.layer_0, "layer 0");
  near(valueOf(found, "ce_loss_with_sae_layer_1"), golden.ce.layer_1, "layer 1");
  near(valueOf(found, "kl_div_with_sae"), golden.kl.sae, "KL");
  near(valueOf(found, "kl_div_with_ablation"), golden.kl.zero, "KL of zero");
  assert.equal(found.tokens, golden.tokens);
  const { clean, sae, zero } = golden.ce;
  near(valueOf(found, "ce_loss_score"), (zero - sae) / (zero - clean), "score", 1e-4);
});

Deno.test("losses of the bundled model are PyTorch's within 1e-5, token by token too", async () => {
  const points = [demo.hookpoint];
  const splicer = await createSplicer({
    model: "models/demo/model.onnx",
    inputs: points,
    targets: points,
    provider: "cpu",
  });
  const tokens = tokensOf(demo.ids);
  const kept = keptPositions(tokens, { dropFirst: true });
  const width = 192;
  const shortened: LoadedDictionary = {
    ...autoencoder((x) => x.map((v) => demo.share * v)),
    maxRows: 2048,
    widths: [width],
  };
  const zero = new Float32Array(width);
  const found = await measureDownstream(shortened, splicer, { tokens, kept }, options([zero]));
  near(valueOf(found, "ce_loss"), demo.ce.clean, "clean");
  near(valueOf(found, "ce_loss_with_sae"), demo.ce.short, "shortened");
  near(valueOf(found, "ce_loss_with_zero"), demo.ce.zero, "zero");
  near(valueOf(found, "kl_div_with_sae"), demo.kl.short, "KL");
  const { ce } = await splicer.clean(tokens.idsOf(0), 1, tokens.contextSize);
  demo.first_context.forEach((loss, t) => near(ce[t], loss, `token ${t}`));
  await splicer.close();
});

Deno.test("zero and the mean can be left to the positions that count", async () => {
  const means = golden.means.map((row) => Float32Array.from(row));
  const found = await withSplicer(
    IN,
    OUT,
    (splicer) =>
      measureDownstream(goldenDictionary(), splicer, goldenInputs(), options(means, "kept_only")),
  );
  near(valueOf(found, "ce_loss_with_zero"), golden.ce.zero_kept, "zero");
  near(valueOf(found, "ce_loss_with_mean"), golden.ce.mean_kept, "mean");
  near(valueOf(found, "kl_div_with_ablation"), golden.kl.zero_kept, "KL of zero");
});

/** An autoencoder that gives back what `f` makes of its rows. */
function autoencoder(f: (x: Float32Array) => Float32Array): LoadedDictionary {
  return {
    maxRows: 1000,
    rowUnit: 1,
    latents: 1,
    widths: [d],
    run: ([x]) =>
      Promise.resolve({ recon: [f(x)] } as Awaited<ReturnType<LoadedDictionary["run"]>>),
  };
}

Deno.test("a perfect reconstruction recovers all of the loss, zero none, the mean none of the mean's", async () => {
  const hook = ["blocks.0.hook_mlp_out"];
  const inputs = goldenInputs();
  const mean = Float32Array.from({ length: d }, (_, j) => j / d - 0.4);
  // Zero everywhere against zero where it counts would differ, so that both are kept to what counts.
  const measure = (f: (x: Float32Array) => Float32Array) =>
    withSplicer(
      hook,
      hook,
      (splicer) => measureDownstream(autoencoder(f), splicer, inputs, options([mean], "kept_only")),
    );
  const perfect = await measure((x) => x.slice());
  assert.equal(valueOf(perfect, "ce_delta"), 0);
  assert.equal(valueOf(perfect, "recaptured_loss"), 1);
  assert.equal(valueOf(perfect, "kl_div_with_sae"), 0);
  assert.equal(valueOf(perfect, "kl_div_score"), 1);
  const zero = await measure((x) => new Float32Array(x.length));
  assert.equal(valueOf(zero, "ce_loss_with_sae"), valueOf(zero, "ce_loss_with_zero"));
  assert.equal(valueOf(zero, "kl_div_score"), 0);
  const means = await measure((x) => x.map((_, i) => mean[i % d]));
  assert.equal(valueOf(means, "ce_loss_with_sae"), valueOf(means, "ce_loss_with_mean"));
  if (!perfect.ablation_not_harmful) {
    assert.equal(valueOf(perfect, "ce_loss_score"), 1);
    assert.equal(valueOf(zero, "ce_loss_score"), 0);
  }
  assert.equal(perfect.ablation_not_harmful, undefined, "zero does harm here");
});

Deno.test("contexts in which nothing counts add nothing", async () => {
  const { tokens } = goldenInputs();
  const kept = keptPositions(tokens, { dropFirst: false });
  const nothing = { ...kept, keeps: (_: number, id: number) => id === golden.ids[1][3] };
  const found = await withSplicer(IN, OUT, (splicer) =>
    measureDownstream(
      goldenDictionary(),
      splicer,
      { tokens, kept: nothing },
      options(golden.means.map((row) => Float32Array.from(row))),
    ));
  const count = golden.ids.map((row) => row.slice(0, -1).filter((id) => id === golden.ids[1][3]));
  assert.equal(found.tokens, count.flat().length);
  for (const name of ["ce_loss", "ce_loss_with_sae", "kl_div_with_sae"]) valueOf(found, name);
});

Deno.test("figures of sums are the golden ones of the spec", () => {
  const sum = (ce: number, kl = 0) => ({ ce, ceTokens: 1, kl, klTokens: 1 });
  const figures = downstreamFigures({
    clean: sum(3),
    sae: sum(3.4, 0.5),
    zero: sum(11, 2),
    mean: sum(5),
    layers: [],
  });
  const by = Object.fromEntries(figures.map(({ name, value }) => [name, value]));
  assert.ok(Math.abs(by["model/ce_loss_score"]! - 0.95) < 1e-12);
  assert.ok(Math.abs(by["model/recaptured_loss"]! - 0.8823529) < 1e-7);
  assert.ok(Math.abs(by["model/ce_delta"]! - 0.4) < 1e-12);
  assert.ok(Math.abs(by["model/loss_recovered_mean"]! - 0.8) < 1e-12);
  assert.equal(by["model/kl_div_score"], 0.75);
});

Deno.test("loss recovered is undefined where zero does no harm", () => {
  const sum = (ce: number) => ({ ce, ceTokens: 1, kl: 0, klTokens: 1 });
  const sums = { clean: sum(3), sae: sum(3.4), zero: sum(3), mean: sum(2), layers: [] };
  const figures = downstreamFigures(sums);
  for (const name of ["model/ce_loss_score", "model/loss_recovered_mean", "model/kl_div_score"]) {
    assert.equal(figures.find((figure) => figure.name === name)!.value, null, name);
  }
});

Deno.test("the mask of a position decides about the loss of the next token; the last has none", () => {
  const sum = emptyLossSum();
  const run = { ce: Float32Array.of(1, 2, 4, 8, 16, 32), kl: Float32Array.of(1, 2, 4, 8, 16, 32) };
  addLosses(sum, run, Float32Array.of(0, 1, 1, 1, 0, 1), 3);
  assert.deepEqual(sum, { ce: 2 + 8, ceTokens: 2, kl: 2 + 4 + 8 + 32, klTokens: 4 });
});

Deno.test("the mean of the rows leaves out those that do not count", () => {
  const x = Float32Array.of(1, 2, 100, 100, 3, 6);
  const mask = Float32Array.of(1, 0, 1);
  assert.deepEqual(targetMeans({ rows: 3, points: [{ d: 2, x }], mask }), [Float32Array.of(2, 4)]);
});

Deno.test("a large vocabulary makes runs smaller", () => {
  assert.equal(contextsAtOnce(4096, 128), 16);
  assert.equal(contextsAtOnce(50257, 128), 2);
  assert.equal(contextsAtOnce(256000, 1024), 1);
});

/** Logits of a token from the mean over the whole context: it sees what comes later. */
function bothDirections() {
  const F32 = 1, I64 = 7;
  const table = Array.from({ length: 5 * 5 }, (_, i) => Math.sin(i));
  return parseModel(
    model([
      node("Gather", ["table", "input_ids"], ["x"]),
      node("ReduceSum", ["x"], ["m"], [attribute("keepdims", 1)]),
      node("Mul", ["x", "m"], ["logits"]),
      weight("table", [5, 5], table),
      value(11, "input_ids", I64, ["b", "s"]),
      value(12, "logits", F32, ["b", "s", 5]),
    ]),
    "both directions",
  );
}

Deno.test("a model whose predictions see later tokens has no losses, with the reason", async () => {
  const tokens = tokensOf([[2, 2, 2, 2, 1], [2, 2, 2, 2, 1]]);
  const splicer = await createSplicer({
    model: bothDirections(),
    inputs: ["x"],
    targets: ["x"],
    provider: "cpu",
  });
  const found = await measureDownstream(
    autoencoder((x) => x),
    splicer,
    { tokens, kept: keptPositions(tokens) },
    options([new Float32Array(5)]),
  );
  await splicer.close();
  assert.match(found.reason ?? "", /look at later tokens/);
  assert.deepEqual(found.figures, []);
});
