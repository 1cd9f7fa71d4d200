// The tables of families and of keys: every combination that they refuse is refused with its reason, every other is
// accepted, complete, and reads back the same.
import assert from "assert";
import { z } from "zod";
import { SdmError } from "../../lib/base/errors.ts";
import { FAMILIES } from "../../lib/config/families.ts";
import { ACTIVATIONS, TYPES } from "../../lib/config/names.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { resolveDefaults } from "../../lib/config/resolve.ts";
import { KEY_RULES } from "../../lib/config/rules.ts";
import { configKeys } from "../../lib/config/schema.ts";
import type { Config, DictionaryConfig } from "../../lib/config/types.ts";

type Values = Record<string, unknown>;
const FACTS = { dIn: 64, dOut: 64, layers: 3 };
const SIZES = { training_tokens: 200 * 512, batch_tokens: 512, context_size: 64 };

function parse(values: Values): Config {
  return parseConfig({ activations: "store", ...SIZES, ...values }, "run.toml");
}

function refusal(values: Values): SdmError | undefined {
  try {
    parse(values);
  } catch (error) {
    assert.ok(error instanceof SdmError, `${JSON.stringify(values)}: ${error}`);
    assert.match(error.message, /^Cannot use "run.toml": [^\n]*[^.\n]$/);
    return error;
  }
}

/** Every family with each of its activations and encoders, and what else changes what is read. */
const COMBINATIONS: Values[] = TYPES.flatMap((type) => {
  const { activations, encoders } = FAMILIES[type];
  const pairs = (activations.length ? activations : [undefined]).flatMap((activation) =>
    (encoders.length ? encoders : [undefined]).map((encoder) => ({ type, activation, encoder }))
  ).filter(({ activation, encoder }) => !(encoder === "pkm" && activation !== "topk"));
  const more: Values[] = [
    {},
    ...(type === "relu" ? [{ sparsity_penalty: "lp" }, { sparsity_penalty: "tanh_quad" }] : []),
    ...(type === "jumprelu" ? [{ sparsity_penalty: "l0" }] : []),
    ...(type === "matryoshka" ? [{ matryoshka_sampled: "uniform" }] : []),
    ...(type === "matching_pursuit" ? [{ pursuit_mode: "dynamic" }] : []),
    ...(type === "topk" ? [{ normalize_decoder: false, use_decoder_bias: false }] : []),
    ...(type === "lorsa" ? [{ positional_embedding: "none" }, { optimizer: "muon" }] : []),
  ];
  return pairs.flatMap((pair) => more.map((one) => clean({ ...pair, ...one })));
});

function clean(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function valuesOf({ model, dictionary, train, optimizer }: Config): Values {
  return { ...model, ...dictionary, ...train, ...optimizer };
}

/** A legal value of every key of the table, other than its neutral ones. */
const SAMPLES: Values = {
  hookpoint: "a",
  hookpoint_out: "b",
  hookpoints: ["a", "b", "c"],
  hookpoints_out: ["d", "e", "f"],
  d_out: 64,
  n_layers: 3,
  normalize_activations: "none",
  use_decoder_bias: true,
  apply_b_dec_to_input: true,
  init_b_dec: "mean",
  init_b_enc: "quantile",
  normalize_decoder: true,
  decoder_init_norm: 0.2,
  sparsity_include_decoder_norm: false,
  resample_every: 10,
  resample_dead_after: 100,
  max_iterations: 5,
  residual_threshold: 0.5,
  stop_on_duplicate_support: true,
  k: 16,
  k_start: 64,
  k_anneal_steps: 0,
  k_schedule: "linear",
  k_exponential_factor: 5,
  multi_topk: true,
  selection: "screened",
  screen_dims: 16,
  screen_factor: 2,
  auxk_coefficient: 0.1,
  k_aux: 8,
  aux_select: "batch",
  batchtopk_gate: "control",
  threshold_ema: 0.9,
  l1_coefficient: 2,
  l0_coefficient: 2,
  lp_norm: 0.9,
  p_end: 0.5,
  p_anneal_start: 5,
  p_anneal_updates: 3,
  tanh_c: 2,
  frequency_scale: 0.1,
  pre_act_coefficient: 1e-5,
  pre_act_scope: "dead",
  sparsity_warm_up_steps: 5,
  target_l0: 8,
  jumprelu_bandwidth: 1,
  jumprelu_init_threshold: 0.2,
  jumprelu_threshold: "log",
  ste_to_input: true,
  threshold_lr_factor: 0.1,
  matryoshka_widths: [16, 64],
  matryoshka_fractions: [0.5, 1],
  matryoshka_weights: [0.1, 0.1, 0.2, 0.3, 0.3],
  matryoshka_prefixes: 4,
  include_bias_level: true,
  pkm_heads: 2,
  pkm_m1: 32,
  pkm_bias: true,
  n_qk_heads: 4,
  d_qk_head: 16,
  rotary_dim: 8,
  rotary_base: 1000,
  rotary_adjacent_pairs: true,
  rotary_scale: 2,
  ntk_factor: 32,
  ntk_low_freq_factor: 2,
  ntk_high_freq_factor: 8,
  ntk_old_context: 4096,
  use_post_qk_ln: true,
  qk_ln_eps: 1e-5,
  attn_scale: 2,
  lorsa_init: "mhsa",
  activation: "relu",
  encoder: "pkm",
  sparsity_penalty: "tanh",
  pursuit_mode: "dynamic",
  matryoshka_sampled: "uniform",
  positional_embedding: "none",
  rotary_scaling: "by_parts",
  loss: "mean",
  lr_schedule: "linear",
  momentum: 0.5,
  weight_decay: 0.2,
};

/** Keys that make the combinations: where they are read, a sample would change what is. */
const AXES = [
  "activation",
  "encoder",
  "sparsity_penalty",
  "pursuit_mode",
  "matryoshka_sampled",
  "positional_embedding",
  "rotary_scaling",
];

Deno.test("the table speaks of keys and values that there are", () => {
  const keys = new Map(configKeys().map((key) => [key.path, key]));
  const names = new Map(configKeys().map((key) => [key.name, key]));
  for (const [path, rule] of Object.entries(KEY_RULES)) {
    assert.ok(keys.has(path), path);
    assert.equal(rule.when === undefined, rule.because === undefined, path);
    const conditions = [
      ...rule.when ?? [],
      ...(rule.defaults ?? []).map((one) => one.if ?? {}),
      ...(rule.allowed ?? []).map((one) => one.if),
    ];
    for (const name of conditions.flatMap((one) => Object.keys(one))) {
      assert.ok(names.has(name), `${path}: ${name}`);
      const at = Object.keys(KEY_RULES).indexOf(names.get(name)!.path);
      assert.ok(at < Object.keys(KEY_RULES).indexOf(path), `${path} looks at ${name} too early`);
    }
    const name = path.split(".")[1];
    assert.ok(name in SAMPLES, `no sample of ${path}`);
  }
});

Deno.test("every combination is complete and reads back the same", () => {
  assert.ok(COMBINATIONS.length > 35);
  for (const values of COMBINATIONS) {
    const what = JSON.stringify(values);
    const resolved = resolveDefaults(parse(values), FACTS);
    const again = parseConfig(JSON.parse(JSON.stringify(resolved)), "config.json");
    assert.deepEqual(resolveDefaults(again, FACTS), resolved, what);
    const found = valuesOf(resolved);
    for (const [path, rule] of Object.entries(KEY_RULES)) {
      const name = path.split(".")[1];
      const read = !rule.when || rule.when.some((one) => holds(one, found));
      if (!read) assert.ok(!(name in found), `${name} is left over with ${what}`);
      else if (rule.defaults?.some((one) => !one.if)) assert.ok(name in found, `${name}: ${what}`);
    }
  }
});

function holds(condition: Readonly<Record<string, readonly unknown[]>>, values: Values): boolean {
  return Object.entries(condition).every(([name, wanted]) => wanted.includes(values[name]));
}

Deno.test("a key that is not read is refused with the reason, in every combination", () => {
  let refusals = 0, accepted = 0;
  for (const values of COMBINATIONS) {
    const base = valuesOf(parse(values));
    for (const [path, rule] of Object.entries(KEY_RULES)) {
      const name = path.split(".")[1];
      if (name in values) continue;
      const sample = SAMPLES[name];
      const what = `${name} = ${JSON.stringify(sample)} with ${JSON.stringify(values)}`;
      const read = !rule.when || rule.when.some((one) => holds(one, base));
      if (AXES.includes(name) && read) continue;
      const error = refusal({ ...values, [name]: sample });
      const against = rule.allowed?.find((one) =>
        holds(one.if, base) && !one.values.includes(sample)
      );
      const reason = !read && !rule.neutral?.includes(sample) ? rule.because : against?.because;
      if (reason) {
        assert.ok(error?.message.endsWith(reason), `${what}: ${error?.message}`);
        refusals++;
      } else {
        assert.equal(error, undefined, what);
        const kept = valuesOf(parse({ ...values, [name]: sample }))[name];
        assert.deepEqual(kept, read ? sample : undefined, what);
        accepted++;
      }
      for (const neutral of read ? [] : rule.neutral ?? []) {
        assert.ok(!(name in valuesOf(parse({ ...values, [name]: neutral }))), what);
      }
    }
  }
  assert.ok(refusals > 1000 && accepted > 500, `${refusals} refused, ${accepted} accepted`);
});

Deno.test("every activation that a family does not have is refused", () => {
  for (const type of TYPES) {
    for (const activation of ACTIVATIONS) {
      const error = refusal({ type, activation });
      assert.equal(error === undefined, FAMILIES[type].activations.includes(activation));
    }
  }
});

Deno.test("what is told of a refusal", () => {
  const told = (values: Values) => refusal(values)?.message.replace(/^.*?: /, "");
  assert.equal(
    told({ activation: "layertopk" }),
    'dictionary.activation is "layertopk" with type "topk", "topk" is needed: it chooses among the ' +
      "layers of a clt",
  );
  assert.equal(refusal({ activation: "batchtopk" })?.hint, 'dictionary.type = "batchtopk"');
  assert.equal(
    told({ type: "matching_pursuit", encoder: "pkm" }),
    'dictionary.encoder is "pkm" with type "matching_pursuit", it scores in a way of its own: a ' +
      "pursuit by residuals, a clt layer by layer, lorsa by attention",
  );
  assert.equal(
    told({ type: "transcoder", activation: "batchtopk", encoder: "pkm" }),
    'dictionary.encoder is "pkm" with type "transcoder" and activation "batchtopk", product keys ' +
      "find the largest scores of a row, so their activation is topk",
  );
  assert.match(told({ type: "jumprelu", auxk_coefficient: 0.1 })!, /would silence dead latents/);
  assert.match(told({ hookpoint_out: "x" })!, /only transcoders and lorsa reconstruct one other/);
  assert.match(told({ target_l0: 20 })!, /with type "topk" and activation "topk", .*, give k$/);
  assert.match(
    told({ type: "relu", k: 5 })!,
    /dictionary.k is 5 with type "relu"|activation "relu"/,
  );
  assert.match(told({ type: "relu", sparsity_penalty: "l0" })!, /which only jumprelu has$/);
  assert.equal(
    told({ weight_decay: 0.1 }),
    'optimizer.weight_decay is 0.1 with optimizer "adam", only AdamW and Muon have it',
  );
});

Deno.test("defaults are those of the specification", () => {
  const of = (values: Values) => {
    const { dictionary, train } = resolveDefaults(parse(values), FACTS);
    return { ...dictionary, loss: train.loss };
  };
  const expected: [Values, Partial<DictionaryConfig> & { loss?: string }][] = [
    [{ type: "topk" }, { k: 32, auxk_coefficient: 1 / 32, normalize_decoder: true, loss: "fvu" }],
    [{ type: "relu" }, {
      l1_coefficient: 5,
      sparsity_penalty: "l1",
      normalize_decoder: false,
      decoder_init_norm: 0.1,
      sparsity_include_decoder_norm: undefined,
      sparsity_warm_up_steps: 10,
      loss: "sum_mean",
    }],
    [{ type: "jumprelu" }, {
      sparsity_penalty: "tanh",
      tanh_c: 4,
      jumprelu_bandwidth: 2,
      jumprelu_init_threshold: 0.1,
      jumprelu_threshold: "raw",
      pre_act_coefficient: 3e-6,
      init_b_enc: "quantile",
      sparsity_include_decoder_norm: false,
      sparsity_warm_up_steps: 200,
      loss: "sum_mean",
    }],
    [{ type: "jumprelu", sparsity_penalty: "l0" }, {
      jumprelu_bandwidth: 0.008,
      jumprelu_init_threshold: 0.008,
      pre_act_coefficient: 0,
      init_b_enc: "zero",
    }],
    [{ type: "batchtopk" }, { threshold_ema: 0.999, batchtopk_gate: "select" }],
    [{ type: "matryoshka" }, {
      activation: "batchtopk",
      matryoshka_widths: [64, 128, 256, 512, 1024],
      matryoshka_weights: [0.2, 0.2, 0.2, 0.2, 0.2],
    }],
    [{ type: "matryoshka", matryoshka_widths: [100], include_bias_level: true }, {
      matryoshka_widths: [100, 1024],
      matryoshka_weights: [1 / 3, 1 / 3, 1 / 3],
    }],
    [{ type: "matching_pursuit" }, { pursuit_mode: "static", k: 32, loss: "sum_mean" }],
    [{ type: "matching_pursuit", pursuit_mode: "dynamic" }, {
      max_iterations: 64,
      residual_threshold: 0.01,
      stop_on_duplicate_support: true,
    }],
    [{ type: "pkm" }, { encoder: "pkm", pkm_m1: 32, pkm_heads: 1 }],
    [{ type: "pkm", d_sae: 48 * 56 }, { pkm_m1: 48 }],
    // A prime has no sides, and of 10 latents in rows of 2 there are 5.
    [{ type: "pkm", d_sae: 1021 }, { pkm_m1: 31 }],
    [{ type: "pkm", d_sae: 10, k: 2, pkm_m1: 7 }, { pkm_m1: 5 }],
    [{ type: "skip_transcoder" }, { init_b_dec: "mean", d_out: 64, loss: "fvu" }],
    [{ type: "clt" }, { n_layers: 3, sparsity_include_decoder_norm: false }],
    [{ type: "clt", activation: "jumprelu" }, {
      pre_act_coefficient: undefined,
      jumprelu_bandwidth: 2,
      sparsity_include_decoder_norm: false,
    }],
    [{ type: "lorsa" }, { d_qk_head: 64, n_qk_heads: 1, attn_scale: 8, rotary_dim: 64 }],
  ];
  for (const [values, wanted] of expected) {
    const found = of(values) as Values;
    for (const [name, value] of Object.entries(wanted)) {
      assert.deepEqual(found[name], value, `${name} with ${JSON.stringify(values)}`);
    }
  }
  assert.ok(!("k" in of({ type: "relu" })) && !("auxk_coefficient" in of({ type: "jumprelu" })));
});

Deno.test("numbers that do not fit each other within a family are refused", () => {
  const cases: [Values, RegExp][] = [
    [{ k: 1.5 }, /k is 1.5 with activation "topk", a whole number is needed$/],
    [{ type: "groupmax", k: 32, d_sae: 100 }, /k equal groups/],
    [{ type: "matryoshka", matryoshka_widths: [8, 8] }, /has 8 after 8, ascending/],
    [{ type: "matryoshka", matryoshka_widths: [8], matryoshka_fractions: [1] }, /both .* one is/],
    [{ type: "matryoshka", matryoshka_widths: [80], d_sae: 64 }, /has 80 and d_sae is 64/],
    [{ type: "jumprelu", sparsity_penalty: "target_l0" }, /target_l0 is needed$/],
    [{ type: "relu", target_l0: 80, d_sae: 64 }, /target_l0 is 80 and d_sae is 64/],
    [{ type: "relu", sparsity_penalty: "lp", p_end: 1 }, /p_end is 1 and lp_norm 1, p_end must/],
    [{ type: "lorsa", rotary_dim: 7 }, /in pairs/],
    [{ type: "lorsa", d_qk_head: 6 }, /d_qk_head is 6, a multiple of 4/],
    [{ type: "lorsa", n_qk_heads: 5, d_sae: 64 }, /n_qk_heads is 5 and d_sae is 64/],
    [{ type: "pkm", pkm_m1: 65, d_sae: 64 }, /pkm_m1 is 65 and d_sae is 64, at most d_sae/],
    [{ type: "pkm", pkm_m1: 1, d_sae: 65536 }, /d_sae \/ pkm_m1 at most 65535/],
    [{ type: "pkm", pkm_heads: 8, k: 4, d_sae: 64 }, /each head finds k \/ heads/],
    [
      { type: "clt", hookpoints: ["a"], hookpoints_out: ["b", "c"] },
      /has 1 names and .* 2, one of/,
    ],
  ];
  for (const [values, pattern] of cases) {
    assert.match(refusal(values)?.message ?? "accepted", pattern, JSON.stringify(values));
  }
  assert.equal(parse({ type: "batchtopk", k: 1.5 }).dictionary.k, 1.5);
  const resolve = (values: Values) => resolveDefaults(parse(values), FACTS, "run.toml");
  assert.throws(
    () => resolve({ type: "matryoshka", matryoshka_weights: [1] }),
    /matryoshka_weights has 1 numbers, 5 are needed/,
  );
  assert.throws(() => resolve({ type: "clt", n_layers: 2 }), /n_layers is 2, .* names 3/);
  assert.throws(() => resolve({ type: "transcoder", d_out: 32 }), /d_out is 32, the output has/);
  assert.throws(
    () => resolve({ type: "clt", activation: "layertopk", d_sae: 64, k: 193 }),
    /k is 193 and d_sae is 64/,
  );
  assert.equal(
    resolve({ type: "clt", activation: "layertopk", d_sae: 64, k: 192 }).dictionary.k,
    192,
  );
});

Deno.test("hookpoints that a family needs must be named, and a harvest may name any", () => {
  const base = { onnx: "m.onnx", text: ["a.txt"], ...SIZES };
  const told = (values: Values) => {
    try {
      parseConfig({ ...base, ...values }, "run.toml");
    } catch (error) {
      return (error as SdmError).message;
    }
  };
  assert.match(told({ type: "transcoder", hookpoint: "a" })!, /no hookpoint_out for type "transc/);
  assert.match(told({ type: "clt", hookpoints: ["a"] })!, /no hookpoints_out for type "clt"/);
  assert.match(told({ type: "clt", hookpoint: "a" })!, /names its layers in model.hookpoints$/);
  assert.match(told({ hookpoints: ["a"] })!, /only a cross-layer transcoder reads several/);
  assert.match(
    told({ type: "lorsa", hookpoint: "a", hookpoint_out: "b", batch_tokens: 100 })!,
    /batch_tokens is 100 and a context has 64 tokens, lorsa reads whole contexts$/,
  );
  assert.equal(told({ type: "lorsa", hookpoint: "a", hookpoint_out: "b" }), undefined);
});

Deno.test("other programs' names of families and options are accepted", () => {
  const { dictionary, optimizer } = parse({
    architecture: "standard",
    l1_warm_up_steps: 7,
    optimizer: { type: "muon", lr_scheduler_name: "cosine" },
  });
  assert.equal(dictionary.type, "relu");
  assert.equal(dictionary.sparsity_warm_up_steps, 7);
  assert.equal(optimizer.optimizer, "muon");
  assert.equal(optimizer.lr_schedule, "cosine");
  assert.equal(parse({ architecture: "matryoshka_batchtopk" }).dictionary.type, "matryoshka");
  assert.equal(
    parse({ type: "cross_layer_transcoder", act_fn: "layertopk" }).dictionary.type,
    "clt",
  );
  assert.match(
    refusalOf({ group_sizes: [1] }),
    /"group_sizes".*write dictionary.matryoshka_widths/,
  );
});

function refusalOf(values: Values): string {
  try {
    parse(values);
    return "accepted";
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("the JSON Schema knows every family and every key", async () => {
  const { configJsonSchema, configSchema } = await import("../../lib/config/schema.ts");
  const text = JSON.stringify(configJsonSchema());
  for (const name of [...TYPES, ...ACTIVATIONS]) assert.ok(text.includes(`"${name}"`), name);
  for (const key of configKeys()) assert.ok(text.includes(`"${key.name}"`), key.path);
  assert.ok(configSchema instanceof z.ZodType);
});

Deno.test("a screened selection: what it is with, and its defaults", () => {
  const screened = { selection: "screened" };
  const told = (values: Values) => refusal({ ...screened, ...values })?.message;
  assert.match(
    told({ type: "batchtopk" })!,
    /with type "batchtopk" .*, candidates are found for the k/,
  );
  assert.match(told({ type: "pkm" })!, /k best scores of a row over a dense encoder$/);
  assert.match(told({ multi_topk: true })!, /with .*multi_topk true, candidates .* for one code$/);
  assert.match(
    told({ normalize_decoder: false, sparsity_include_decoder_norm: true })!,
    /candidates are found by plain scores$/,
  );
  const resolved = (values: Values, dIn: number) =>
    resolveDefaults(parse({ ...screened, ...values }), { ...FACTS, dIn, dOut: dIn }).dictionary;
  for (const [dIn, dims] of [[64, 16], [65, 20], [3, 4]]) {
    for (const type of ["topk", "transcoder"]) {
      const { screen_dims, screen_factor } = resolved({ type }, dIn);
      assert.deepEqual([screen_dims, screen_factor], [dims, 4], `${type} ${dIn}`);
    }
  }
  const twelve = { type: "matryoshka", activation: "topk", screen_dims: 12 };
  assert.equal(resolved(twelve, 12).screen_dims, 12);
  for (const dims of [14, 68]) {
    assert.throws(() => resolved({ screen_dims: dims }, 64), {
      name: "SdmError",
      message:
        `Cannot use the configuration: dictionary.screen_dims is ${dims} and d_in is 64, a ` +
        "multiple of 4 of at most 64 is needed",
    });
  }
});
