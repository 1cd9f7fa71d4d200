import assert from "assert";
import {
  JsonNumber,
  JsonObject,
  JsonSyntaxError,
  type JsonValue,
  parseStrictJson,
  placeOf,
} from "../../lib/files/strict_json.ts";

function plain(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (value instanceof JsonObject) {
    return Object.fromEntries([...value.members].map(([k, v]) => [k, plain(v)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

Deno.test("parseStrictJson() gives what JSON.parse gives", () => {
  const texts = [
    "0",
    " [ ] ",
    "{}",
    '{"a":[1,-2.5e3,0.125,1E+2],"b":{"c":null,"d":true,"e":false},"":""}',
    String.raw`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 é 😀"`,
    "\r\n\t[\n1 ,\t2]\n",
  ];
  for (const text of texts) assert.deepEqual(plain(parseStrictJson(text)), JSON.parse(text));
});

Deno.test("parseStrictJson() refuses what JSON.parse refuses", () => {
  const texts = [
    "",
    " ",
    "{",
    "[1,]",
    '{"a":1,}',
    "{a:1}",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "1e",
    "tru",
    "nul",
  ];
  texts.push(
    "'a'",
    '"a',
    '"\t"',
    '"\\x"',
    '"\\u12g4"',
    "[1] 2",
    "[1 2]",
    '{"a" 1}',
    "NaN",
    "\ufeff1",
  );
  for (const text of texts) {
    assert.throws(() => JSON.parse(text), SyntaxError, text);
    assert.throws(() => parseStrictJson(text), JsonSyntaxError, text);
  }
});

Deno.test("parseStrictJson() keeps what JSON.parse loses", () => {
  const root = parseStrictJson('{"a":1,"__proto__":9007199254740993,"a":1.0}') as JsonObject;
  assert.deepEqual(root.duplicates.map(([key]) => key), ["a"]);
  assert.equal((root.members.get("__proto__") as JsonNumber).text, "9007199254740993");
  assert.equal((root.members.get("a") as JsonNumber).text, "1.0");
});

Deno.test("parseStrictJson() refuses half surrogates, numbers out of range and nesting deeper than 127", () => {
  assert.throws(() => parseStrictJson(String.raw`"\ud83d"`), /half of a surrogate/);
  assert.throws(() => parseStrictJson("1e999"), /out of range/);
  const nested = (n: number) => "[".repeat(n) + "]".repeat(n);
  parseStrictJson(nested(127));
  assert.throws(() => parseStrictJson(nested(128)), /nested/);
  assert.throws(() => parseStrictJson("[".repeat(1e6)), /nested/);
});

Deno.test("an error has the place of the mistake", () => {
  const text = '{\n  "a": 1,\n  "b": }\n';
  const error = assertSyntax(text);
  assert.deepEqual(placeOf(text, error.at), { line: 3, column: 8 });
});

function assertSyntax(text: string): JsonSyntaxError {
  try {
    parseStrictJson(text);
  } catch (error) {
    assert.ok(error instanceof JsonSyntaxError);
    return error;
  }
  throw new Error("nothing was thrown");
}
