// The page of families is what the code says, and what the code says is complete.
import assert from "assert";
import { FAMILIES as FACTS } from "../../lib/config/families.ts";
import { TYPES } from "../../lib/config/names.ts";
import { ACTIVATIONS } from "../../lib/models/activations/mod.ts";
import { FAMILIES } from "../../lib/models/mod.ts";
import { describedJsonSchema, describeFamilies } from "../../lib/report/families.ts";
import { familiesPage } from "../../lib/report/families_page.ts";

Deno.test("docs/families.md is what the registry and the tables say", async () => {
  const written = await Deno.readTextFile(new URL("../../docs/families.md", import.meta.url));
  assert.equal(
    written,
    familiesPage(),
    "write familiesPage() of lib/report/families_page.ts to docs/families.md",
  );
});

Deno.test("registry and configuration know the same families", () => {
  assert.deepEqual(FAMILIES.map(({ type }) => type).sort(), [...TYPES].sort());
  for (const { type, needs } of FAMILIES) {
    const { points, sequences } = FACTS[type as "topk"];
    assert.deepEqual(
      [needs.target, needs.layers, needs.sequences],
      [points === "one" ? "same" : "other", points === "layers", sequences],
      type,
    );
  }
});

Deno.test("every family has a formula, a source with a year, and a formula for each activation", () => {
  for (const { type, doc, formula, source, activations, options } of describeFamilies()) {
    assert.match(doc, /^[A-Z].*[^.]$/, type);
    assert.match(formula, /=/, type);
    assert.match(source, /^[A-Z].*20\d\d.*\.$/s, type);
    for (const { name, doc } of activations) assert.match(doc, /=/, `${type}: ${name}`);
    assert.ok(options.length > 10, type);
  }
  assert.ok(ACTIVATIONS.length > 5);
});

Deno.test("the described JSON Schema has every family with its formula, its source and its keys", () => {
  type Family = { const: string; description: string; "x-options": { key: string }[] };
  const schema = describedJsonSchema() as {
    properties: { dictionary: { properties: { type: { enum: string[]; oneOf: Family[] } } } };
  };
  const { enum: names, oneOf } = schema.properties.dictionary.properties.type;
  assert.deepEqual(oneOf.map((one) => one.const).sort(), [...names].sort());
  const pkm = oneOf.find((one) => one.const === "pkm")!;
  assert.match(pkm.description, /β_u.*Source: Lample/s);
  assert.ok(pkm["x-options"].some(({ key }) => key === "dictionary.pkm_heads"));
  assert.ok(!pkm["x-options"].some(({ key }) => key === "dictionary.target_l0"));
});
