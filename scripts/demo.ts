/**
 * `deno task demo`: from a fresh clone to a report. Everything but the set-up is one command of the program itself.
 *
 * Arguments go on to `sdm train`: `deno task demo --training-tokens 50000`.
 * @module
 */
import { setup } from "./setup.ts";

Deno.chdir(new URL("../", import.meta.url));
const started = performance.now();
await setup();

const args = ["train", "models/demo/demo.toml", "--overwrite", "--output-path", "runs/demo"];
console.log(`sdm ${[...args, ...Deno.args].join(" ")}\n`);
const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "--quiet", "main.ts", ...args, ...Deno.args],
}).spawn();
// Ctrl-C reaches the program too, which stops at a checkpoint; the demo waits for it.
const wait = () => {};
Deno.addSignalListener("SIGINT", wait);
const { code } = await child.status;
Deno.removeSignalListener("SIGINT", wait);
if (code !== 0) Deno.exit(code);

const report = `${Deno.cwd()}/runs/demo/report.html`;
Deno.statSync(report);
const minutes = Math.floor((performance.now() - started) / 60_000);
const seconds = Math.round((performance.now() - started) / 1000) % 60;
console.log(
  `\nDemo done in ${minutes} min ${seconds} s. Open the report in a browser:\n  file://${report}`,
);
