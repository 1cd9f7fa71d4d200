/**
 * The pages against the code: metrics, links, pictures, and commands that exist.
 * @module
 */
import assert from "assert";
import { loadConfig } from "../../lib/config/load.ts";
import { COMMANDS } from "../../lib/commands/registry.ts";
import { DEFINITIONS } from "../../lib/evals/definitions.ts";
import { DOWNSTREAM_DEFINITIONS } from "../../lib/evals/downstream_definitions.ts";
import { RING_FIELDS } from "../../lib/kernels/common.ts";
import { ACTIVATIONS } from "../../lib/models/activations/mod.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  ...[...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) => `docs/${name}`)
    .filter((path) => path.endsWith(".md")).sort(),
];

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** The rows of every table of a page: trimmed cells. */
function tableRows(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
}

/** The texts of a page's fenced blocks of a language. */
function blocksOf(path: string, language: string): string[] {
  return [...read(path).matchAll(new RegExp("^```" + language + "\\n(.*?)^```", "gms"))]
    .map((match) => match[1]);
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(text: string): Set<string> {
  const plain = text.replace(/^```.*?^```/gms, "");
  return new Set(
    [...plain.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

Deno.test("docs/metrics.md defines every held-out metric in the words of the code, and no other", () => {
  const page = read("docs/metrics.md");
  const parts = ["## On held-out", "## In the language model", "## What it is"];
  for (const [i, table] of [DEFINITIONS, DOWNSTREAM_DEFINITIONS].entries()) {
    const section = page.slice(page.indexOf(parts[i]), page.indexOf(parts[i + 1]));
    const rows = tableRows(section).slice(2);
    assert.deepEqual(
      rows.map(([name, words]) => [name.replaceAll("`", ""), words.replaceAll("\\|", "|")]),
      Object.entries(table),
    );
  }
});

Deno.test("docs/metrics.md explains every field of metrics.jsonl", () => {
  const page = read("docs/metrics.md");
  const section = page.slice(page.indexOf("## While training"));
  const names = tableRows(section).flatMap(([name]) =>
    [...name.matchAll(/`([^`]+)`/g)].map((match) => match[1])
  );
  const fields = [...RING_FIELDS, ...ACTIVATIONS.flatMap(({ metrics = [] }) => metrics)];
  for (const name of [...fields.map((f) => f.name), "sparsity/dead_frac", "lr", "step", "tokens"]) {
    assert.ok(names.includes(name), `"${name}" is missing`);
  }
});

Deno.test("relative links and pictures of all pages lead somewhere", () => {
  for (const path of PAGES) {
    const text = read(path).replace(/^```.*?^```/gms, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file, anchor] = target.split("#");
      const url = file === "" ? new URL(path, ROOT) : new URL(file, new URL(path, ROOT));
      assert.ok(url.pathname.startsWith(ROOT.pathname), `${path} links outside: "${target}"`);
      assert.doesNotThrow(() => Deno.statSync(url), `${path} links to nothing: "${target}"`);
      if (!anchor) continue;
      const anchors = anchorsOf(Deno.readTextFileSync(url));
      assert.ok(anchors.has(anchor), `${path} links to no heading: "${target}"`);
    }
  }
});

Deno.test("the README leads to every page, and every sdm command on the pages exists", () => {
  const readme = read("README.md");
  for (const path of PAGES.slice(1)) assert.ok(readme.includes(`(${path})`), `no link to ${path}`);
  const known = COMMANDS.map(({ name }) => name);
  for (const path of PAGES) {
    const shell = blocksOf(path, "sh").join("");
    for (const [, name] of shell.matchAll(/(?:^|\/)sdm (\w[\w-]*)/gm)) {
      assert.ok(known.includes(name), `${path} has "sdm ${name}", there is no such command`);
    }
  }
});

Deno.test("the seven stops of the newcomer's path exist", () => {
  const readme = read("README.md");
  const section = readme.slice(readme.indexOf("## Reading the code"));
  const stops = [...section.matchAll(/^\d\. (.+)$/gm)].map((match) => match[1]);
  assert.equal(stops.length, 7);
  for (const stop of stops) {
    for (const [, file] of stop.matchAll(/\]\(([^)]+)\)/g)) {
      assert.ok(Deno.statSync(new URL(file, ROOT)).isFile, file);
    }
  }
});

Deno.test("what the TypeScript examples import is exported", async () => {
  let examples = 0;
  for (const path of PAGES) {
    for (const block of blocksOf(path, "ts")) {
      for (const [, names, from] of block.matchAll(/^import \{ (.+?) \} from "(\..+?)";/gm)) {
        const module = await import(new URL(from, ROOT).href) as Record<string, unknown>;
        examples++;
        for (const name of names.split(", ")) assert.ok(name in module, `${path}: "${name}"`);
      }
    }
  }
  assert.ok(examples > 1);
});

Deno.test("the TypeScript examples fit the types of what they use", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files: string[] = [];
    for (const path of PAGES) {
      for (const block of blocksOf(path, "ts")) {
        const file = `${folder}/${files.length}.ts`;
        await Deno.writeTextFile(file, block.replaceAll('from "./', `from "${ROOT}`));
        files.push(file);
      }
    }
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--config", new URL("deno.json", ROOT).pathname, ...files],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the configurations on the pages are accepted", async () => {
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    for (const path of PAGES) {
      for (const block of blocksOf(path, "toml")) {
        await Deno.writeTextFile(file, block);
        const config = await loadConfig({ file, overrides: [], inputs: false });
        assert.equal(config.dictionary.type, "topk", path);
      }
    }
  } finally {
    await Deno.remove(file);
  }
});
