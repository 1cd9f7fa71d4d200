/** The rules of the whole tree: each is shown to fail on a small bad tree and to pass on its good twin. */
import assert from "assert";
import {
  circleFaults,
  companionFaults,
  companionsOf,
  floorFaults,
  importsOf,
  sizeFaults,
  wordFaults,
} from "../../scripts/check/tree.ts";

/** A tree from an object. */
function tree(files: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(files));
}

Deno.test("importsOf() reads all forms and no comment", () => {
  const text = [
    'import a from "./a.ts";',
    'import type { B } from "./b.ts";',
    "import {\n  c,\n  d,\n} from './c.ts';",
    'import "./e.ts";',
    'export * from "./f.ts";',
    'const g = await import("./g.ts");',
    'new Worker(new URL("./h.ts", import.meta.url));',
    ' * import x from "./comment.ts";',
    '// export * from "./other.ts";',
  ].join("\n");
  assert.deepEqual(
    importsOf(text).sort(),
    ["./a.ts", "./b.ts", "./c.ts", "./e.ts", "./f.ts", "./g.ts", "./h.ts"],
  );
});

Deno.test("floorFaults() finds an import upward in a tree", () => {
  const faults = floorFaults(tree({
    "lib/gpu/a.ts": 'import { b } from "../train/b.ts";',
    "lib/train/b.ts": 'import { a } from "../gpu/a.ts";',
    "tests/gpu/a_test.ts": 'import { b } from "../../lib/train/b.ts";',
  }));
  assert.deepEqual(faults.map((f) => f.path), ["lib/gpu/a.ts"]);
});

Deno.test("circleFaults() names a circle once and leaves a diamond alone", () => {
  const circle = circleFaults(tree({
    "lib/gpu/a.ts": 'import { b } from "./b.ts";',
    "lib/gpu/b.ts": 'import type { C } from "./c.ts";',
    "lib/gpu/c.ts": 'export * from "./a.ts";',
  }));
  assert.equal(circle.length, 1);
  assert.match(circle[0].message, /a\.ts -> lib\/gpu\/b\.ts -> lib\/gpu\/c\.ts -> lib\/gpu\/a\.ts/);
  assert.equal(circleFaults(tree({ "lib/gpu/a.ts": 'import "./a.ts";' })).length, 1);
  const diamond = tree({
    "lib/gpu/a.ts": 'import "./b.ts";\nimport "./c.ts";',
    "lib/gpu/b.ts": 'import "./d.ts";',
    "lib/gpu/c.ts": 'import "./d.ts";',
    "lib/gpu/d.ts": "",
  });
  assert.deepEqual(circleFaults(diamond), []);
});

Deno.test("companionFaults() misses each of the five files in turn", () => {
  const whole = companionsOf("scale").map((path): [string, string] => [
    path,
    path.startsWith("lib/kernels") ? 'import text from "../../shaders/scale.wgsl";' : "",
  ]);
  assert.deepEqual(companionFaults(new Map(whole)), []);
  for (const [gone] of whole) {
    const faults = companionFaults(new Map(whole.filter(([path]) => path !== gone)));
    assert.deepEqual(faults.map((f) => f.path), [gone], gone);
  }
});

Deno.test("companionFaults() lets helpers and shader parts be", () => {
  const helpers = tree({
    "lib/kernels/sizes.ts": 'import part from "../../shaders/parts/order.wgsl";',
    "shaders/parts/order.wgsl": "",
    "tests/kernels/sizes_test.ts": "",
    "lib/reference/train_step.ts": "",
  });
  assert.deepEqual(companionFaults(helpers), []);
  assert.equal(companionFaults(tree({ "tests/kernels/lost_test.ts": "" })).length, 4);
});

Deno.test("companionFaults() takes a shader with a suffix as a variant of the wrapper that imports it", () => {
  const whole = new Map(companionsOf("scale").map((path): [string, string] => [path, ""]));
  const both = ["scale", "scale_wide"].map((s) => `import ${s} from "../../shaders/${s}.wgsl";`);
  whole.set("shaders/scale_wide.wgsl", "");
  whole.set("lib/kernels/scale.ts", both.join("\n"));
  assert.deepEqual(companionFaults(whole), []);
  whole.set("lib/kernels/scale.ts", both[0]);
  assert.equal(companionFaults(whole).length, 4);
});

Deno.test("sizeFaults() knows the limits, its exceptions, and exceptions that are stale", () => {
  const lines = (n: number) => "x\n".repeat(n);
  const files = tree({
    "lib/a/long.ts": lines(301),
    "lib/a/full.ts": lines(300),
    "shaders/long.wgsl": lines(151),
    "main.ts": lines(151),
    "tests/long_test.ts": lines(900),
  });
  const paths = (exceptions: Record<string, string>) =>
    sizeFaults(files, exceptions).map((f) => f.path).sort();
  assert.deepEqual(paths({}), ["lib/a/long.ts", "main.ts", "shaders/long.wgsl"]);
  assert.deepEqual(paths({ "main.ts": "why" }), ["lib/a/long.ts", "shaders/long.wgsl"]);
  assert.match(sizeFaults(files, { "lib/a/full.ts": "why" }).at(-1)!.message, /drop its exception/);
  assert.match(sizeFaults(tree({ "shaders/w.wgsl": "y".repeat(101) }), {})[0].message, /line 1 is/);
});

Deno.test("wordFaults() finds paths of one machine and hosts of registries", () => {
  // Put together here, so that this file does not hold what it forbids.
  const bad = [
    `x = "/${"work"}/main/lib"`,
    `see /${"root"}/.cache`,
    `"/${"home"}/ada/models"`,
    `'/${"tmp"}/x.onnx'`,
    `https://registry.${"npmjs"}.org/zod`,
    `C:\\${"Users"}\\ada`,
  ];
  for (const text of bad) {
    assert.equal(wordFaults(tree({ "a.md": `fine\n${text}\n` })).length, 1, text);
    assert.match(wordFaults(tree({ "a.md": `fine\n${text}\n` }))[0].message, /^line 2 /);
  }
  const good =
    'lib/work/a.ts ${TMPDIR:-/tmp}/x ~/.cache "network/root/x" https://example.org/tmp/x';
  assert.deepEqual(wordFaults(tree({ "a.md": good })), []);
});
