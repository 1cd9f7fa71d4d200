/** One configuration for several families. */
import assert from "assert";
import {
  type Entrant,
  entrantConfig,
  entrantName,
  parseEntrants,
} from "../../lib/config/entrants.ts";
import { FAMILIES, PENALISED } from "../../lib/config/families.ts";
import { TYPES } from "../../lib/config/names.ts";

const OPTIONS = { l0: 7, outputPath: "runs/x", source: "command line", inputs: false } as const;

function configOf(entrant: Entrant, keys: Record<string, unknown> = {}) {
  return entrantConfig(new Map(Object.entries(keys)), entrant, OPTIONS);
}

Deno.test("parseEntrants() reads families and activations, and knows the default one", () => {
  const found = parseEntrants("topk, clt:jumprelu,skip-transcoder,relu:relu");
  assert.deepEqual(found.map(entrantName), ["topk", "clt:jumprelu", "skip_transcoder", "relu"]);
  const wrong: [string, RegExp][] = [
    ["tpok", /^Unknown family "tpok": did you mean "topk"/],
    ["clt:gated", /^Unknown activation "gated" of clt: it has topk, .*jumprelu$/],
    ["matching_pursuit:topk", /of matching_pursuit: it has none$/],
    ["topk,topk:topk", /"topk" is there twice$/],
    [" , ", /no family is named$/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parseEntrants(text), { name: "SdmError", message });
  }
});

Deno.test("every family under every activation gets the same number of active latents", () => {
  for (const type of TYPES) {
    const { activations } = FAMILIES[type];
    for (const activation of activations.length > 0 ? activations : [undefined]) {
      const { dictionary, output_path } = configOf({ type, activation }).config;
      assert.equal(dictionary.type, type);
      assert.equal(dictionary.activation, activation);
      const penalised = activation !== undefined && PENALISED.includes(activation);
      assert.equal(dictionary.k, penalised ? undefined : 7, type);
      assert.equal(dictionary.target_l0, penalised ? 7 : undefined, type);
      assert.ok(output_path.endsWith("runs/x"));
    }
  }
});

Deno.test("of several layers every gate gets as many active latents, each in the way it counts", () => {
  const layers = 3;
  for (const activation of FAMILIES.clt.activations) {
    const options = { ...OPTIONS, layers };
    const { config, l0 } = entrantConfig(new Map(), { type: "clt", activation }, options);
    assert.equal(l0, 21);
    const { k, target_l0 } = config.dictionary;
    assert.equal(k ?? target_l0, ["topk", "batchtopk"].includes(activation) ? 7 : 21, activation);
  }
  assert.equal(entrantConfig(new Map(), { type: "topk" }, { ...OPTIONS, layers }).l0, 7);
});

Deno.test("an entrant gets the keys that it reads and says which it left out", () => {
  const keys = {
    "dictionary.type": "topk",
    "dictionary.k": 99,
    "dictionary.d_sae": 128,
    "dictionary.auxk_coefficient": 0.1,
    "dictionary.l1_coefficient": 3,
    "dictionary.k_exponential_factor": 5,
    "dictionary.k_schedule": "exponential",
    "optimizer.lr": 0.01,
    "model.hookpoint": "a",
    "model.hookpoint_out": "b",
  };
  const topk = configOf({ type: "topk" }, keys);
  assert.deepEqual(topk.dropped, ["dictionary.l1_coefficient"]);
  const { dictionary, model, optimizer } = topk.config;
  assert.deepEqual([dictionary.auxk_coefficient, dictionary.d_sae], [0.1, 128]);
  assert.deepEqual([dictionary.k, dictionary.k_exponential_factor, optimizer.lr], [7, 5, 0.01]);
  assert.deepEqual([model.hookpoint, model.hookpoint_out], ["a", undefined]);

  const relu = configOf({ type: "relu" }, keys);
  assert.equal(relu.config.dictionary.l1_coefficient, 3);
  assert.equal(relu.config.dictionary.normalize_decoder, false);
  assert.deepEqual(relu.dropped, [
    "dictionary.auxk_coefficient",
    "dictionary.k_exponential_factor",
    "dictionary.k_schedule",
  ]);
  assert.equal(configOf({ type: "transcoder" }, keys).config.model.hookpoint_out, "b");
  assert.equal(configOf({ type: "clt" }, keys).config.model.hookpoint, undefined);
});

Deno.test("what no family may have is refused, not left out", () => {
  const keys = { "dictionary.d_sae": 64 };
  assert.throws(() => configOf({ type: "groupmax" }, keys), {
    name: "SdmError",
    message: /k is 7 and d_sae is 64/,
  });
  assert.throws(() => configOf({ type: "topk" }, { "dictionary.d_sae": -1 }), {
    name: "SdmError",
    message: /d_sae is -1/,
  });
});
