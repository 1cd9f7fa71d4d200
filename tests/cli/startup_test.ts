import assert from "assert";

const ROOT = new URL("../../", import.meta.url);

interface ModuleInfo {
  specifier: string;
  dependencies?: { isDynamic?: boolean; code?: { specifier?: string }; npmPackage?: string }[];
}

/** Modules that `sdm --help` loads: everything that is imported without being asked for. */
async function loadedModules(): Promise<string[]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: ROOT,
    stdin: "null",
    stderr: "null",
  }).output();
  assert.ok(success);
  const info = JSON.parse(new TextDecoder().decode(stdout)) as {
    roots: string[];
    modules: ModuleInfo[];
  };
  const known = new Map(info.modules.map((m) => [m.specifier, m]));
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    for (const { isDynamic, code } of known.get(specifier)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier) visit(code.specifier);
    }
  };
  visit(info.roots[0]);
  return [...seen].map((s) => s.replace(ROOT.href, ""));
}

Deno.test("the program starts without what its commands need: no GPU, no models, no packages but one", async () => {
  const loaded = await loadedModules();
  const rooms = new Set(loaded.map((path) => /^lib\/\w+/.exec(path)?.[0]).filter(Boolean));
  assert.deepEqual([...rooms].sort(), ["lib/base", "lib/commands", "lib/config", "lib/report"]);
  const packages = loaded.filter((path) => path.startsWith("npm:"));
  assert.ok(packages.every((name) => name.includes("commander")), `${packages}`);
  const own = loaded.filter((path) => path.startsWith("lib/"));
  assert.ok(own.length >= 10 && own.length <= 24, `${own.length} files:\n${own.join("\n")}`);
  for (const command of ["train", "eval", "report"]) {
    assert.ok(!loaded.includes(`lib/commands/${command}.ts`), `${command} is loaded`);
  }
});
