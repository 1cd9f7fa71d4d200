/** `sdm compare` and `sdm synth` as a user runs them. */
import assert from "assert";
import { commandLine } from "../../lib/commands/command_line.ts";
import { withFolder } from "../files/folder.ts";
import { sdm, start } from "./_sdm.ts";

Deno.test("commandLine() quotes what a shell would take for something else", () => {
  const argv = ["compare", "a/b.toml", "--layers", "blocks.*.x,y", "it's", ""];
  assert.equal(
    commandLine(argv),
    String.raw`sdm compare a/b.toml --layers 'blocks.*.x,y' 'it'\''s' ''`,
  );
});

Deno.test("mistakes are one sentence and exit code 2, before anything is trained", async () => {
  const demo = "models/demo/families.toml";
  const cases: [string[], RegExp][] = [
    [["compare", demo, "--types", "tpok"], /^Unknown family "tpok": did you mean "topk"/],
    [
      ["compare", demo, "--transcode", "a"],
      /^Cannot use --transcode a: an input and an output are needed, with a comma between them\n$/,
    ],
    [
      ["compare"],
      /^Cannot compare: no hookpoint is named, model.hookpoint is needed\nHint: --hook/,
    ],
    [
      ["compare", demo, "--types", "relu", "--auxk-coefficient", "0.1"],
      /^Cannot compare: dictionary.auxk_coefficient is given, and none of relu takes it as it is\n/,
    ],
    [["synth", "--presets", "huge"], /^Unknown preset "huge": known ones: tiny, small\n$/],
    [["synth", "--seeds", "0"], /^Cannot use --seeds 0: a whole number from 1 on is needed\n$/],
    [["synth", "--types", "topk", "--lr", "-1"], /^Cannot use .*lr is -1/],
  ];
  await Promise.all(cases.map(async ([args, pattern]) => {
    const { code, out, err } = await sdm(args);
    assert.match(err, pattern, args.join(" "));
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "");
  }));
});

Deno.test({
  name: "sdm synth stops at Ctrl-C and goes on; the page has the command that made it",
  ignore: Deno.build.os === "windows", // there a process cannot send Ctrl-C to another one
  fn: () =>
    withFolder(async (folder) => {
      const args = [
        ...["synth", "--types", "topk,gated", "--seeds", "1", "--training-tokens", "12800"],
        ...["--output-path", folder, "--out", `${folder}/page.md`, "--log-every", "1"],
      ];
      const child = start(args);
      // The first line of progress tells that training is under way.
      const reader = child.stderr.getReader();
      const { value } = await reader.read();
      assert.match(new TextDecoder().decode(value), /^topk, seed 1: /);
      child.kill("SIGINT");
      const rest = (async () => {
        while (!(await reader.read()).done);
      })();
      const printed = await new Response(child.stdout).text();
      await rest;
      assert.equal((await child.status).code, 130);
      assert.match(printed, /Stopped; the same command goes on from there\n$/);

      const { code, out } = await sdm([...args, "--json"]);
      assert.equal(code, 0);
      const [outcome] = JSON.parse(out);
      assert.deepEqual(outcome.runs.map((run: { name: string }) => run.name), ["topk", "gated"]);
      const page = await Deno.readTextFile(`${folder}/page.md`);
      assert.match(page, /\nsdm synth --types topk,gated --seeds 1 /);
      assert.match(page, /\n\| gated +\| 0\.\d+/);
    }),
});
