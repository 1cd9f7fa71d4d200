import assert from "assert";
import { evaluate, expand } from "../../lib/gpu/expand.ts";

Deno.test("evaluate() follows the usual precedence and rounds quotients down", () => {
  const names = { ROWS: 32, LANES: 8 };
  const cases: [string, number][] = [
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["ROWS / LANES - 1", 3],
    ["7 / 2", 3],
    ["ROWS % 5 + -2", 0],
    ["10 - 3 - 2", 5],
    ["-(2 + 3) * 2", -10],
  ];
  for (const [text, value] of cases) assert.equal(evaluate(text, names), value, text);
});

Deno.test("evaluate() says what is wrong with an expression", () => {
  assert.throws(() => evaluate("WIDTH + 1", {}), /unknown name "WIDTH" in "WIDTH \+ 1"/);
  assert.throws(() => evaluate("(1 + 2", {}), /missing "\)"/);
  assert.throws(() => evaluate("1 +", {}), /unexpected end/);
  assert.throws(() => evaluate("1 2", {}), /unexpected "2"/);
});

Deno.test("expand() unrolls nested loops and fills in expressions", () => {
  const source = [
    "//#for r in 0..ROWS",
    "  //#for c in r..2",
    "  m{{r}}{{c}} = {{r * 10 + c}};",
    "  //#end",
    "//#end",
  ].join("\n");
  const lines = expand(source, { ROWS: 2 }).split("\n").map((l) => l.trim());
  assert.deepEqual(lines, ["m00 = 0;", "m01 = 1;", "m11 = 11;"]);
});

Deno.test("expand() chooses between branches, nested and negated", () => {
  const source = [
    "//#if A",
    "a",
    "//#if !B",
    "not b",
    "//#else",
    "b",
    "//#end",
    "//#else",
    "not a",
    "//#end",
    "end",
  ].join("\n");
  const of = (A: number, B: number) => expand(source, { A, B }).split("\n");
  assert.deepEqual(of(1, 0), ["a", "not b", "end"]);
  assert.deepEqual(of(1, 1), ["a", "b", "end"]);
  assert.deepEqual(of(0, 1), ["not a", "end"]);
});

Deno.test("expand() puts shared parts in and expands them", () => {
  const parts = { outer: "before\n//#use inner\nafter", inner: "x = {{N}};" };
  assert.equal(expand("//#use outer", { N: 3 }, parts), "before\nx = 3;\nafter");
});

Deno.test("expand() leaves ordinary text alone", () => {
  const source = "// a comment\nlet a = b[i]; // {not} an expression";
  assert.equal(expand(source, {}), source);
});

Deno.test("expand() says what is wrong with a template", () => {
  assert.throws(() => expand("//#use gone", {}), /no part "gone"/);
  assert.throws(() => expand("//#if A\nx", { A: 1 }), /"\/\/#if A" has no \/\/#end/);
  assert.throws(() => expand("//#for i of 3\n//#end", {}), /malformed loop "i of 3"/);
  assert.throws(() => expand("//#while A", {}), /unknown directive "while"/);
  assert.throws(() => expand("{{N}}", {}), /unknown name "N"/);
});
