// From a configuration to what a model is built from and to the words of a step, for every family.
import assert from "assert";
import { FAMILIES as FACTS } from "../../lib/config/families.ts";
import { TYPES } from "../../lib/config/names.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { resolveDefaults } from "../../lib/config/resolve.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { FAMILIES } from "../../lib/models/mod.ts";
import { learningRate, modelOptionsOf, stepsOf, stepWords } from "../../lib/train/plan.ts";

type Values = Record<string, unknown>;

function resolved(values: Values) {
  const all = { activations: "store", training_tokens: 6400, batch_tokens: 64, context_size: 32 };
  const config = parseConfig({ ...all, d_sae: 256, ...values }, "run.toml");
  return resolveDefaults(config, { dIn: 24, dOut: 24, layers: 2 });
}

function words(values: Values, t: number) {
  const view = new DataView(stepWords(resolved(values), t));
  const float = (name: keyof typeof STEP) => view.getFloat32(STEP[name] * 4, true);
  const whole = (name: keyof typeof STEP) => view.getUint32(STEP[name] * 4, true);
  return { float, whole, bytes: view.byteLength };
}

const f32 = (value: number) => Math.fround(value);

Deno.test("the words of a TopK step: rates, corrections for rates in float32, k, place in the ring", () => {
  const values = { k: 8, k_start: 24, log_every: 7 };
  for (const t of [0, 3, 40, 99]) {
    const { float, whole, bytes } = words(values, t);
    assert.equal(bytes, STEP.words * 4);
    const lr = 2e-4 / Math.sqrt(256 / 16384) * Math.min(1, (t + 1) / 5, (100 - t) / 21);
    assert.equal(float("lr"), f32(lr));
    assert.equal(float("correction1"), f32(1 / (1 - f32(0.9) ** (t + 1))));
    assert.equal(float("correction2"), f32(1 / (1 - f32(0.999) ** (t + 1))));
    assert.equal(whole("k"), t >= 80 ? 8 : Math.round(24 * (1 - t / 80) + 8 * t / 80));
    assert.equal(whole("slot"), t % 7);
    assert.equal(whole("number"), t);
    assert.equal(whole("batchK"), 64 * whole("k"));
    assert.equal(float("coefficient"), 0);
    assert.equal(float("exponent"), 1);
    assert.equal(float("preActCoefficient"), 0);
  }
});

Deno.test("a batch selection keeps the floor of k times the rows, and its threshold is followed late", () => {
  const values = { type: "batchtopk", k: 1.3, k_start: 9, k_anneal_steps: 10 };
  assert.equal(words(values, 0).whole("batchK"), 9 * 64);
  assert.equal(words(values, 50).whole("batchK"), Math.floor(1.3 * 64));
  const tracked = (more: Values, t: number) => words({ ...values, ...more }, t).whole("track");
  assert.deepEqual([9, 10].map((t) => tracked({}, t)), [0, 1], "after k has fallen");
  assert.deepEqual([19, 20].map((t) => tracked({ lr_warm_up_steps: 20 }, t)), [0, 1]);
  assert.equal(
    modelOptionsOf(resolved({ ...values, k_start: undefined, k_anneal_steps: 0 })).kMax,
    2,
  );
});

Deno.test("penalties rise from the first step on, and their exponent is stepped", () => {
  const relu = { type: "relu", l1_coefficient: 4, sparsity_warm_up_steps: 8 };
  const weights = [0, 3, 7, 8, 99].map((t) => words(relu, t).float("coefficient"));
  assert.deepEqual(weights, [0.5, 2, 4, 4, 4]);
  assert.equal(words({ type: "jumprelu" }, 49).float("coefficient"), 5, "half of all steps");
  assert.equal(words({ type: "jumprelu" }, 0).float("preActCoefficient"), f32(3e-6));
  const lp = { type: "relu", sparsity_penalty: "lp", p_end: 0, p_anneal_start: 40 };
  assert.equal(words(lp, 39).float("exponent"), 1);
  assert.equal(words(lp, 40).float("exponent"), f32(10 / 11));
  assert.equal(words(lp, 40).float("nextExponent"), f32(9 / 11));
  assert.equal(words(lp, 99).float("exponent"), f32(1 / 11));
});

Deno.test("the learning rate follows its schedule", () => {
  const rates = (values: Values) => {
    const config = resolved({ lr: 1, lr_warm_up_steps: 10, ...values });
    return [0, 9, 10, 50, 79, 80, 99].map((t) => learningRate(config, t));
  };
  assert.deepEqual(rates({ lr_schedule: "constant" }), [0.1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(rates({}), [0.1, 1, 1, 1, 1, 20 / 21, 1 / 21]);
  const linear = rates({ lr_schedule: "linear" });
  assert.deepEqual(linear.slice(2), [90 / 91, 50 / 91, 21 / 91, 20 / 91, 1 / 91]);
  const cosine = rates({ lr_schedule: "cosine", lr_end_ratio: 0.1 });
  assert.ok(cosine[3] > linear[3] && cosine[6] > 0.1 && cosine[6] < 0.101);
  assert.equal(rates({ optimizer: "signum", lr_warm_up_steps: 0 })[0], 1);
  assert.equal(stepsOf(resolved({})), 100);
});

Deno.test("options of every family are complete, and groups that it does not read are absent", () => {
  const of = (values: Values) => modelOptionsOf(resolved(values));
  for (const type of TYPES) {
    for (
      const activation of FACTS[type].activations.length ? FACTS[type].activations : [undefined]
    ) {
      const options = of(activation === undefined ? { type } : { type, activation });
      for (const [name, value] of Object.entries(options)) {
        assert.ok(typeof value !== "number" || Number.isFinite(value), `${type}: ${name}`);
      }
      if (activation) assert.equal(options.activation, activation);
      const penalised = ["relu", "jumprelu", "gated"].includes(activation ?? "");
      assert.equal(options.penalty !== undefined, penalised, `${type} ${activation}`);
      assert.equal(options.thresholds !== undefined, activation === "jumprelu");
      assert.equal(options.prefixes !== undefined, type === "matryoshka");
      assert.equal(options.pursuit !== undefined, type === "matching_pursuit");
      assert.equal(options.attention !== undefined, type === "lorsa");
    }
  }
  const kinds = TYPES.map((type) => of({ type }).kind);
  assert.deepEqual(kinds.slice(-5), ["sae", "transcoder", "transcoder", "clt", "lorsa"]);
  assert.deepEqual([of({ type: "lorsa" }).context, of({}).context], [32, 0]);
  assert.deepEqual([of({ type: "clt" }).layers, of({}).layers], [2, 1]);
  assert.deepEqual([of({ type: "skip_transcoder" }).skip, of({ type: "transcoder" }).skip], [
    true,
    false,
  ]);
  assert.deepEqual([of({}).inputBias, of({ type: "transcoder" }).inputBias], [true, false]);
  assert.deepEqual([of({}).unitRows, of({ type: "relu" }).unitRows], [true, false]);
  assert.equal(of({ type: "jumprelu" }).preAct, "all");
  assert.equal(of({ type: "jumprelu", pre_act_coefficient: 0 }).preAct, undefined);
  const target = of({ type: "relu", target_l0: 20 }).penalty!;
  assert.deepEqual([target.targetL0, target.coefficient], [20, 5]);
  assert.ok(target.steerSteps >= 1 && target.steerSteps < 10, "some dozen times in a run");
});

Deno.test("nested prefixes are fixed, or as many as are drawn", () => {
  const of = (values: Values) =>
    modelOptionsOf(resolved({ type: "matryoshka", ...values })).prefixes;
  assert.deepEqual(of({}), {
    widths: [16, 32, 64, 128, 256],
    weights: [0.2, 0.2, 0.2, 0.2, 0.2],
    biasLevel: false,
  });
  const given = {
    matryoshka_widths: [10],
    matryoshka_weights: [1, 2, 3],
    include_bias_level: true,
  };
  assert.deepEqual(of(given), { widths: [10, 256], weights: [1, 2, 3], biasLevel: true });
  const drawn = of({ matryoshka_sampled: "pareto", matryoshka_prefixes: 4, seed: 9 })!;
  assert.deepEqual([drawn.widths.length, drawn.widths.at(-1)], [4, 256]);
  assert.deepEqual(drawn.weights, [0.25, 0.25, 0.25, 0.25]);
  assert.deepEqual(drawn.drawn, { name: "pareto", p: 0.5, least: 1, seed: 9 });
});

Deno.test("a pursuit has the stops of its mode", () => {
  const of = (values: Values) => modelOptionsOf(resolved({ type: "matching_pursuit", ...values }));
  assert.equal(of({ k: 5 }).pursuit!.mode, "static");
  assert.equal(of({ k: 5 }).kMax, 5);
  const { pursuit } = of({ pursuit_mode: "dynamic", max_iterations: 7 });
  assert.deepEqual(
    [pursuit!.maxIterations, pursuit!.residualThreshold, pursuit!.stopOnDuplicateSupport],
    [7, 0.01, true],
  );
});

Deno.test("lorsa has the heads, the rotation and the start of its keys", () => {
  const of = (values: Values) => modelOptionsOf(resolved({ type: "lorsa", ...values })).attention;
  assert.deepEqual(of({}), {
    heads: 1,
    width: 24,
    scale: Math.sqrt(24),
    rotary: { dim: 24, base: 10000, adjacentPairs: false, copies: 1 },
    norms: false,
    eps: 1e-6,
  });
  const own = of({
    n_qk_heads: 8,
    d_qk_head: 12,
    positional_embedding: "none",
    use_post_qk_ln: true,
    attn_scale: 2,
    lorsa_init: "mhsa",
  });
  assert.deepEqual(own, {
    heads: 8,
    width: 12,
    scale: 2,
    norms: true,
    eps: 1e-6,
    start: "queries",
  });
  assert.equal(of({ lorsa_init: "active_subspace" })!.start, "all");
  const llama = of({
    rotary_scale: 2,
    rotary_dim: 32,
    rotary_scaling: "by_parts",
    ntk_factor: 32,
    use_post_qk_ln: true,
    qk_ln_eps: 1e-5,
  })!;
  const ntk = { factor: 32, lowFreqFactor: 1, highFreqFactor: 4, oldContext: 8192 };
  assert.deepEqual([llama.rotary!.dim, llama.rotary!.copies, llama.eps], [32, 2, 1e-5]);
  assert.deepEqual(llama.rotary!.ntk, ntk);
});

Deno.test("configuration and models agree on what a family needs of its data", () => {
  for (const { type, needs } of FAMILIES) {
    const facts = FACTS[type as keyof typeof FACTS];
    assert.ok(facts, `lib/config/families.ts does not know "${type}"`);
    const other = facts.points !== "one";
    assert.deepEqual(needs, {
      target: other ? "other" : "same",
      layers: facts.points === "layers",
      sequences: facts.sequences,
    }, type);
  }
});
