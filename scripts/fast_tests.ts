/**
 * `deno task test`: all quick tests, a folder of tests at a time in a process of its own, some of them side by side: most tests wait for
 * a GPU's answer or for a file, so that one alone leaves cores idle. `deno task test PATH…` hands its arguments to `deno test`.
 * @module
 */
import { type Counts, countTests } from "./counts.ts";

const deno = Deno.execPath();

/** Folders without tests of this kind: helpers' data, and suites of `deno task test:slow`. */
const OTHERS = new Set(["browser", "fuzz", "golden", "packaged", "peers"]);

/** Begun first, since they take longest. */
const LONGEST = ["models", "train", "stories", "onnx", "cli", "bench", "kernels"];

/** Processes at once: two keep two cores busy, and each takes some 500 MB. */
const AT_ONCE = Math.min(4, Math.max(2, Math.floor(navigator.hardwareConcurrency / 2)));

/** What a process printed, and what it counted. */
interface Outcome extends Counts {
  /** Folder. */
  name: string;
  /** Seconds. */
  seconds: number;
  /** Its output. */
  text: string;
}

async function runFolder(name: string): Promise<Outcome> {
  const started = performance.now();
  // Types are `deno task check`'s work; here every process would look through them again.
  const { stdout, stderr, success } = await new Deno.Command(deno, {
    args: ["test", "-A", "--quiet", "--no-check", `tests/${name}/`],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  const seconds = (performance.now() - started) / 1000;
  return { name, seconds, text, ...countTests(text, success) };
}

/** Runs all folders, prints each when it ends, and gives the sum. */
async function runAll(folders: readonly string[]): Promise<Counts> {
  const todo = [...folders], total: Counts = { passed: 0, failed: 0 };
  const lines: string[] = [];
  const worker = async () => {
    for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
      const { seconds, text, passed, failed } = await runFolder(name);
      console.log(text.trimEnd());
      total.passed += passed;
      total.failed += failed;
      const verdict = failed > 0 ? "FAILED" : "ok";
      const counts = `${passed} passed, ${failed} failed`;
      lines.push(
        `${verdict.padEnd(6)} tests/${name.padEnd(10)} ${counts} in ${seconds.toFixed(0)} s`,
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  console.log(`\n${lines.join("\n")}\n`);
  return total;
}

function testFolders(): string[] {
  const rank = (name: string) =>
    (LONGEST.indexOf(name) + LONGEST.length + 1) % (LONGEST.length + 1);
  return [...Deno.readDirSync("tests")]
    .filter(({ isDirectory, name }) => isDirectory && !OTHERS.has(name))
    .map(({ name }) => name)
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

if (import.meta.main) {
  Deno.chdir(new URL("../", import.meta.url));
  if (Deno.args.length > 0) {
    const args = ["test", "-A", "--quiet", ...Deno.args];
    Deno.exit((await new Deno.Command(deno, { args }).spawn().status).code);
  }
  const started = performance.now();
  const { passed, failed } = await runAll(testFolders());
  console.log(`all quick tests in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exit(failed > 0 ? 1 : 0);
}
