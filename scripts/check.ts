/**
 * `deno task check`: form, lint with the floors, types, documentation of the public API, and the rules of the whole tree.
 * All steps run, so that one run shows everything that is to be mended.
 * @module
 */
import {
  circleFaults,
  companionFaults,
  type Fault,
  floorFaults,
  sizeFaults,
  wordFaults,
} from "./check/tree.ts";

/** Files that may be longer than the budget, with the reason. */
const SIZE_EXCEPTIONS: Readonly<Record<string, string>> = {};

/** Tracked and new text files of the repository; what git ignores is not ours to judge. */
async function readTree(): Promise<Map<string, string>> {
  const command = new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error("Cannot list files: git failed, a git checkout is needed");
  const tree = new Map<string, string>();
  for (const path of new TextDecoder().decode(stdout).split("\0")) {
    if (!/\.(ts|js|mjs|json|wgsl|md|py|sh|toml|yml|yaml|css|html)$|^\.ci\/run$/.test(path)) {
      continue;
    }
    try {
      tree.set(path, await Deno.readTextFile(path));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return tree;
}

/** The given paths that exist. */
function present(...paths: string[]): string[] {
  return paths.filter((path) => {
    try {
      return Deno.statSync(path) !== undefined;
    } catch {
      return false;
    }
  });
}

/** Runs one step of Deno's own and tells whether it passed. */
async function step(...args: string[]): Promise<boolean> {
  const started = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${success ? "ok    " : "FAILED"} deno ${args.join(" ")} (${seconds} s)`);
  return success;
}

/** Reports the faults of the tree, grouped by rule. */
function report(rules: Record<string, Fault[]>): boolean[] {
  return Object.entries(rules).map(([name, faults]) => {
    for (const { path, message } of faults) console.log(`  ${path} ${message}`);
    const good = faults.length === 0;
    console.log(`${good ? "ok    " : "FAILED"} ${name}${good ? "" : `: ${faults.length} to mend`}`);
    return good;
  });
}

if (import.meta.main) {
  Deno.chdir(new URL("../", import.meta.url));
  const tree = await readTree();
  const results = [
    await step("fmt", "--check"),
    await step("lint", "--quiet"),
    await step(
      "check",
      "--quiet",
      ...present("main.ts", "mod.ts", "lib", "tests", "bench", "scripts"),
    ),
  ];
  if (present("mod.ts").length) results.push(await step("doc", "--lint", "--quiet", "mod.ts"));
  results.push(...report({
    "floors (imports only downward)": floorFaults(tree),
    "circles (no file imports itself by a detour)": circleFaults(tree),
    "companions (five files a kernel)": companionFaults(tree),
    "sizes (lines a file)": sizeFaults(tree, SIZE_EXCEPTIONS),
    "words (no machine's own paths or hosts)": wordFaults(tree),
  }));
  const failed = results.filter((good) => !good).length;
  console.log(`\n${results.length - failed} passed, ${failed} failed`);
  Deno.exit(failed ? 1 : 0);
}
