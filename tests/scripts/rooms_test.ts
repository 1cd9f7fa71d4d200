/** The floors: what each rule refuses, and that it lets the neighbouring right thing pass. */
import assert from "assert";
import { FLOORS, importFault, roomOf, useFault } from "../../scripts/check/rooms.ts";
import plugin from "../../scripts/check/lint_rooms.ts";

/** Messages of the lint plugin for one text. */
function lint(path: string, text: string): string[] {
  return Deno.lint.runPlugin(plugin, path, text).map((d) => d.message);
}

Deno.test("FLOORS gives a floor to every room that exists", () => {
  const lib = new URL("../../lib/", import.meta.url);
  for (const entry of Deno.readDirSync(lib)) {
    if (entry.isDirectory) assert.notEqual(FLOORS[`lib/${entry.name}`], undefined, entry.name);
  }
});

Deno.test("roomOf() names the room, and none for what is beside the house", () => {
  assert.equal(roomOf("lib/gpu/deep/x.ts"), "lib/gpu");
  assert.equal(roomOf("main.ts"), "main.ts");
  assert.equal(roomOf("tests/gpu/x_test.ts"), undefined);
});

Deno.test("importFault() refuses an import upward and allows one downward", () => {
  assert.match(importFault("lib/gpu/a.ts", "../train/loop.ts")!, /imports upward from lib\/train/);
  assert.equal(importFault("lib/train/loop.ts", "../gpu/a.ts"), undefined);
  assert.equal(importFault("lib/train/a.ts", "./deep/b.ts"), undefined);
});

Deno.test("importFault() keeps rooms of one floor apart", () => {
  assert.match(importFault("lib/onnx/a.ts", "../files/b.ts")!, /both on floor 2/);
  assert.match(importFault("lib/evals/a.ts", "../train/b.ts")!, /both on floor 7/);
  assert.match(importFault("mod.ts", "./main.ts")!, /both on floor 10/);
});

Deno.test("importFault() keeps the truth out of kernels, blocks and models", () => {
  for (const room of ["kernels", "blocks", "models"]) {
    assert.match(importFault(`lib/${room}/a.ts`, "../reference/a.ts")!, /never imports lib\/ref/);
  }
  assert.equal(importFault("lib/train/a.ts", "../reference/a.ts"), undefined);
});

Deno.test("importFault() gives shader text to kernels only", () => {
  assert.equal(importFault("lib/kernels/a.ts", "../../shaders/a.wgsl"), undefined);
  assert.match(importFault("lib/gpu/a.ts", "../../shaders/parts/a.wgsl")!, /only lib\/kernels/);
});

Deno.test("importFault() refuses unknown rooms, the outside, and packages that are not pinned", () => {
  assert.match(importFault("lib/attic/a.ts", "./b.ts")!, /no floor/);
  assert.match(importFault("lib/train/a.ts", "../../tests/x.ts")!, /outside the house/);
  assert.match(importFault("lib/train/a.ts", "npm:zod@4")!, /pinned in deno.json/);
  assert.match(importFault("lib/data/a.ts", "node:fs/promises")!, /can write/);
  assert.equal(importFault("lib/config/a.ts", "zod"), undefined);
  assert.equal(importFault("tests/a.ts", "../../scripts/x.ts"), undefined);
});

Deno.test("useFault() leaves printing, writing and exiting to their rooms", () => {
  assert.match(useFault("lib/train/a.ts", "console.log")!, /only lib\/commands prints/);
  assert.match(useFault("lib/report/a.ts", "Deno.stdout")!, /only lib\/commands prints/);
  assert.equal(useFault("lib/commands/a.ts", "console.log"), undefined);
  assert.match(useFault("lib/commands/a.ts", "Deno.remove")!, /only lib\/files/);
  assert.match(useFault("lib/data/a.ts", "Deno.mkdirSync")!, /only lib\/files/);
  assert.equal(useFault("lib/files/a.ts", "Deno.rename"), undefined);
  assert.match(useFault("lib/commands/a.ts", "Deno.args")!, /only main.ts/);
  assert.equal(useFault("main.ts", "Deno.exit"), undefined);
  assert.equal(useFault("lib/data/a.ts", "Deno.readFile"), undefined);
  assert.equal(useFault("scripts/a.ts", "Deno.exit"), undefined);
});

Deno.test("the lint plugin sees every kind of import", () => {
  const bad = [
    'import { a } from "../train/a.ts";',
    'import type { A } from "../train/a.ts";',
    'import "../train/a.ts";',
    'export { a } from "../train/a.ts";',
    'export * from "../train/a.ts";',
    'const a = await import("../train/a.ts");',
    'new Worker(new URL("../train/worker.ts", import.meta.url), { type: "module" });',
  ];
  for (const text of bad) assert.equal(lint("lib/gpu/a.ts", text).length, 1, text);
  assert.deepEqual(lint("lib/gpu/a.ts", 'import { a } from "../base/a.ts";\nexport { a };'), []);
});

Deno.test("the lint plugin sees calls, detours to them, and how a file is opened", () => {
  const bad = [
    'console.log("x");',
    'globalThis.console.log("x");',
    'Deno["exit"](1);',
    "const { remove } = Deno;",
    'Deno.openSync("x", { write: true });',
    'await Deno.open("x", { read: true, append: true });',
    'await Deno.open("x", options);',
  ];
  for (const text of bad) assert.equal(lint("lib/data/a.ts", text).length, 1, text);
  const good =
    'Deno.openSync("x", { read: true }); Deno.open("x"); Deno.readFile("x"); a.log("x");';
  assert.deepEqual(lint("lib/data/a.ts", good), []);
});
