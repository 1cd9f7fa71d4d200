import assert from "assert";
import { ALIASES, REFUSED } from "../../lib/config/aliases.ts";
import { configurationPage } from "../../lib/config/docs.ts";
import { configJsonSchema, configKeys } from "../../lib/config/schema.ts";

Deno.test("every key has a description, a reason and a sentence on legal values", () => {
  assert.ok(configKeys().length > 40);
  for (const key of configKeys()) {
    assert.match(key.description, /^[A-Z].*[.]$/s, key.path);
    assert.match(key.reason, /^[A-Za-z0-9].*[.]$/s, key.path);
    assert.ok(key.needs.length > 3, key.path);
  }
});

Deno.test("names are unique over all sections, so that each can be a flag", () => {
  const names = configKeys().map((key) => key.name);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("aliases point at keys, and hide neither a key nor a refusal", () => {
  const paths = new Set(configKeys().map((key) => key.path));
  const names = new Set(configKeys().map((key) => key.name));
  for (const [alias, path] of ALIASES) {
    assert.ok(paths.has(path), path);
    assert.ok(!names.has(alias), alias);
    assert.ok(!REFUSED.has(alias), alias);
  }
});

Deno.test("the shape's comments say what the schema says", async () => {
  const read = (name: string) =>
    Deno.readTextFile(new URL(`../../lib/config/${name}`, import.meta.url));
  const text = await read("types.ts");
  const sections = text.slice(0, text.indexOf("A checked configuration with"));
  const checked = sections + await read("types_dictionary.ts");
  const commented = [...checked.matchAll(/\/\*\* (.*) \*\/\n {2}(\w+)\??:/g)];
  const comments = new Map(commented.map((match) => [match[2], match[1]]));
  for (const key of configKeys()) {
    if (key.section) assert.equal(comments.get(key.name), key.description, key.path);
  }
});

Deno.test("the JSON Schema carries descriptions and refuses unknown keys", () => {
  const schema = configJsonSchema() as {
    additionalProperties: boolean;
    properties: Record<string, { properties?: Record<string, Record<string, unknown>> }>;
  };
  assert.equal(schema.additionalProperties, false);
  const k = schema.properties.dictionary.properties!.k;
  assert.equal(k.default, 32);
  assert.match(String(k.description), /active/);
});

Deno.test("docs/configuration.md is what the schema says", async () => {
  const squeeze = (text: string) => text.replace(/-{2,}/g, "-").replace(/\s+/g, " ").trim();
  const written = await Deno.readTextFile(
    new URL("../../docs/configuration.md", import.meta.url),
  );
  assert.equal(
    squeeze(written).replaceAll("| - ", "|-").replaceAll("- |", "-|"),
    squeeze(configurationPage()).replaceAll("| - ", "|-").replaceAll("- |", "-|"),
    "write configurationPage() of lib/config/docs.ts to docs/configuration.md, then deno fmt",
  );
});
