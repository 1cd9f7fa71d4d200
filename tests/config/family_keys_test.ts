// What is said of a family's keys is what happens to them: in every legal combination exactly the keys that are listed
// are read, with the defaults that are listed.
import assert from "assert";
import { commonKeys, type FamilyKey, familyKeys } from "../../lib/config/family_keys.ts";
import { FAMILIES } from "../../lib/config/families.ts";
import { TYPES } from "../../lib/config/names.ts";
import { parseConfig } from "../../lib/config/parse.ts";

type Values = Record<string, unknown>;

/** What a configuration holds after the rules: the section of a key, by name. */
function checked(values: Values): Record<string, Values> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return parseConfig(
    { activations: "store", ...Object.fromEntries(given) },
    "run.toml",
  ) as unknown as Record<string, Values>;
}

/** Every family with each of its activations and encoders. */
const COMBINATIONS: Values[] = TYPES.flatMap((type) => {
  const { activations, encoders } = FAMILIES[type];
  return (activations.length ? activations : [undefined]).flatMap((activation) =>
    (encoders.length ? encoders : [undefined]).map((encoder) => ({ type, activation, encoder }))
  ).filter(({ activation, encoder }) => encoder !== "pkm" || activation === "topk");
});

Deno.test("what a combination holds is listed for its family", () => {
  for (const values of COMBINATIONS) {
    const { dictionary } = checked(values);
    const listed = new Set(
      familyKeys(dictionary.type as typeof TYPES[number]).map(({ key }) => key.name),
    );
    for (const name of Object.keys(dictionary)) {
      if (name === "type" || dictionary[name] === undefined) continue;
      assert.ok(listed.has(name), `${dictionary.type} holds ${name}`);
    }
  }
});

Deno.test("keys that are always read have the default that is listed", () => {
  let compared = 0;
  for (const values of COMBINATIONS) {
    const config = checked(values);
    for (const { key, scope, default: text } of familyKeys(config.dictionary.type as "topk")) {
      if (scope !== undefined || text === undefined || key.name in values) continue;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        continue; // words that stand for a number which depends on others
      }
      const held = config[key.section][key.name];
      if (held === undefined) continue; // the default depends on widths
      assert.deepEqual(held, value, `${config.dictionary.type}: ${key.name}`);
      compared++;
    }
  }
  assert.ok(compared > 100, `${compared}`);
});

/** Legal values of keys that are neither names nor switches. */
const SAMPLES: Values = { hookpoint: "a", hookpoint_out: "b", hookpoints: ["a"], d_out: 8, k: 9 };

function sampleOf({ key, values }: FamilyKey): unknown {
  return SAMPLES[key.name] ?? values?.at(-1);
}

Deno.test("every listed value is accepted where nothing else is needed", () => {
  let tried = 0;
  for (const type of TYPES) {
    for (const one of familyKeys(type)) {
      if (one.scope !== undefined || sampleOf(one) === undefined) continue;
      for (const value of one.values ?? [sampleOf(one)]) {
        // Some values need a number beside them, or another activation than the default.
        if (["target_l0", "l0"].includes(String(value)) && type !== "jumprelu") continue;
        checked({
          type,
          [one.key.name]: value,
          ...value === "target_l0" ? { target_l0: 8 } : {},
        });
        tried++;
      }
    }
  }
  assert.ok(tried > 100, `${tried}`);
});

Deno.test("conditions are said in terms of what the family can be", () => {
  const key = (type: typeof TYPES[number], name: string) =>
    familyKeys(type).find((one) => one.key.name === name);
  assert.equal(key("topk", "k")?.scope, undefined);
  assert.equal(key("relu", "k"), undefined);
  assert.equal(key("matching_pursuit", "k")?.scope, "pursuit_mode static");
  assert.equal(key("transcoder", "k")?.scope, "activation topk, batchtopk, groupmax");
  assert.equal(key("clt", "k")?.scope, "activation other than relu, jumprelu");
  assert.equal(key("topk", "k_exponential_factor")?.scope, "k_schedule exponential");
  assert.equal(key("gated", "l1_coefficient")?.default, "1");
  assert.equal(key("relu", "l1_coefficient")?.default, "5");
  assert.equal(key("transcoder", "l1_coefficient")?.default, "1 with activation gated; else 5");
  assert.deepEqual(key("gated", "sparsity_penalty")?.values, ["l1"]);
  assert.deepEqual(key("clt", "normalize_activations")?.values, [
    "expected_average_only_in",
    "none",
  ]);
  assert.equal(key("jumprelu", "jumprelu_bandwidth")?.default?.startsWith("2 for tanh"), true);
});

Deno.test("common keys are those of all families, and no others", () => {
  const names = commonKeys().map(({ key }) => key.name);
  assert.ok(names.includes("d_sae"));
  assert.ok(!names.includes("normalize_activations"));
  assert.ok(!names.includes("k"));
});
