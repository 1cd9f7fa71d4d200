/**
 * `deno task test:slow [suite…]`: the tests that take minutes or bring in other programs.
 *
 * Each suite is a list of commands; all run, and the last line counts what they counted.
 * @module
 */
import { cpuinfo, wideVectors } from "../lib/base/vulkan.ts";
import { type Counts, countTests } from "./counts.ts";

const deno = Deno.execPath();

const DEMO = "models/demo/demo.toml";
const WORK = "dist/peers";

/** The program itself, as a command. */
function sdm(...args: string[]): string[] {
  return [deno, "run", "-A", "--quiet", "main.ts", ...args];
}

/** Families whose dictionaries sae-lens can open. */
const SAE_LENS = ["topk", "relu", "jumprelu", "gated", "batchtopk", "matryoshka"];

/** Files of a test folder with that ending, as commands. */
function programs(folder: string, ending: string): string[][] {
  return [...Deno.readDirSync(folder)]
    .filter((entry) => entry.name.endsWith(ending))
    .map((entry) => [deno, "run", "-A", `${folder}/${entry.name}`])
    .sort();
}

/** Commands by suite. A folder that is gone is an error, not an empty suite. */
const SUITES: Readonly<Record<string, () => string[][]>> = {
  fuzz: () => programs("tests/fuzz", "_fuzz.ts"),
  browser: () => programs("tests/browser", "_browser.ts"),
  peers: () => [
    ...programs("tests/peers", "run.ts"),
    // The same comparison on dictionaries that were trained here and on real activations.
    sdm("harvest", DEMO, "--out", `${WORK}/acts`, "--max-tokens", "8192", "--overwrite"),
    ...SAE_LENS.map((type) =>
      sdm("train", "--activations", `${WORK}/acts`, "--output-path", `${WORK}/${type}`)
        .concat("--overwrite", "--type", type, "--training-tokens", "16384", "--d-sae", "512")
    ),
    [deno, "run", "-A", "tests/peers/run.ts", "--activations"]
      .concat(`${WORK}/acts/shard-00000.safetensors`)
      .concat(SAE_LENS.flatMap((type) => ["--dictionary", `${WORK}/${type}/final`])),
    ...programs("tests/peers/onnx", "_run.ts"),
  ],
  // Kernels on the software adapter with vectors of another width than it has here by itself.
  widths: () => [
    ["env", `LP_NATIVE_VECTOR_WIDTH=${wideVectors(cpuinfo()) ? 256 : 128}`, deno, "test", "-A"]
      .concat("tests/kernels", "tests/blocks"),
  ],
  packaged: () => [
    [deno, "run", "-A", "scripts/compile.ts", "dist/sdm"],
    [deno, "run", "-A", "tests/packaged/packaged_smoke.ts", "dist/sdm"],
  ],
};

/**
 * Runs a command, shows its output as it comes, and counts.
 * @param summed false makes it one test whatever it counts: a fuzzer's cases are no tests
 */
async function run(command: string[], summed: boolean): Promise<Counts> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return countTests(summed ? output : "", (await child.status).success);
}

if (import.meta.main) {
  Deno.chdir(new URL("../", import.meta.url));
  const chosen = Deno.args.length ? Deno.args : Object.keys(SUITES);
  const unknown = chosen.find((name) => !(name in SUITES));
  if (unknown !== undefined) {
    console.error(`Unknown suite "${unknown}": known ones are ${Object.keys(SUITES).join(", ")}`);
    Deno.exit(2);
  }
  const total: Counts = { passed: 0, failed: 0 };
  const lines: string[] = [];
  for (const name of chosen) {
    const started = performance.now();
    const counts: Counts = { passed: 0, failed: 0 };
    for (const command of SUITES[name]()) {
      console.log(`\n--- ${name}: ${command.slice(1).join(" ")}`);
      const { passed, failed } = await run(command, name !== "fuzz");
      counts.passed += passed;
      counts.failed += failed;
    }
    if (counts.passed + counts.failed === 0) counts.failed = 1;
    total.passed += counts.passed;
    total.failed += counts.failed;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    lines.push(`${name.padEnd(10)} ${counts.failed ? "FAILED" : "ok"} in ${seconds} s`);
  }
  console.log(`\n${lines.join("\n")}\n`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  Deno.exit(total.failed ? 1 : 0);
}
