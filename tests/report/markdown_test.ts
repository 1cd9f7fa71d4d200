/** Markdown is left by `deno fmt` as it is. */
import assert from "assert";
import { markdownPage, markdownTable, markdownText } from "../../lib/report/markdown.ts";
import { meanAndRange, syntheticPage } from "../../lib/report/synthetic_page.ts";
import { withFolder } from "../files/folder.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

async function formatted(page: string): Promise<boolean> {
  let code = -1;
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/page.md`, page);
    const { fmt } = JSON.parse(await Deno.readTextFile(CONFIG));
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ fmt }));
    ({ code } = await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--check", "page.md"],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output());
  });
  return code === 0;
}

Deno.test("tables and paragraphs are as deno fmt wants them", async () => {
  const words = Array.from({ length: 60 }, (_, i) => "word".slice(i % 3) + i).join(" ");
  const page = markdownPage([
    "# Title",
    markdownText(words),
    markdownTable(["a", "wide heading", "–"], [["1", "x|y", "0.9 (0.8–1.0)"], ["22", "", "é"]]),
  ]);
  assert.ok(await formatted(page), page);
  assert.ok(!await formatted(page.replace("| 22 ", "| 22")), "the check sees what is wrong");
});

Deno.test("the page of planted features is as deno fmt wants it and names means and ranges", async () => {
  const figures = (value: number) => ({
    "synthetic/mmcs_recall": value,
    "sparsity/l0": 3,
    "recon/fvu": null,
  });
  const runs = [1, 2].flatMap((seed) =>
    ["topk", "clt:jumprelu"].map((name) => ({
      name,
      seed,
      figures: figures(0.9 + 0.01 * seed),
      untrained: figures(0.4),
    }))
  );
  const outcome = { l0: 3, trainingTokens: 20000, runs, finished: true };
  const page = syntheticPage(
    [{ ...outcome, preset: "tiny" }, { ...outcome, preset: "small" }],
    "sdm synth --presets tiny,small",
  );
  assert.ok(await formatted(page), page);
  assert.match(page, /\| clt:jumprelu \| 0\.915 \(0\.910–0\.920\) +\|/);
  assert.match(page, /seeds 1, 2/);
});

Deno.test("meanAndRange() leaves the range out where there is none", () => {
  assert.equal(meanAndRange([0.5, 0.5]), "0.500");
  assert.equal(meanAndRange([1, 3]), "2.00 (1.00–3.00)");
  assert.equal(meanAndRange([null]), "n/a");
});
