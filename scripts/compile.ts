/**
 * `deno task compile [target]`: makes one executable, `dist/sdm`, that runs where no Deno is.
 *
 * First with `deno compile`, which needs Deno's runtime base (fetched by Deno, or named in DENORT_BIN); where that cannot
 * be had, as one self-extracting file with the local Deno inside.
 * @module
 */
import { packSelfExtracting } from "./package/self_extracting.ts";
import { stage } from "./package/stage.ts";

/** Last line of an error's text that says something. */
function lastWords(text: string): string {
  // deno-lint-ignore no-control-regex
  const lines = text.replace(/\x1b\[[0-9;]*m/g, "").split("\n").map((line) => line.trim());
  const cause = lines.filter((line) =>
    line && !/^(Stack backtrace|\d+: <unknown>|Download)/.test(line)
  );
  return (cause.at(-1) ?? "no reason given").replace(/^\d+: |^error: /, "");
}

/** Tries `deno compile`; answers nothing, or why it could not be done. */
async function compileWithBase(
  folder: string,
  workers: string[],
  target: string,
  version: string,
): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: folder,
    // Unpacked at the first start: the native library of ONNX Runtime loads its neighbour from disk.
    args: ["compile", "--allow-all", "--no-check", "--self-extracting"].concat(
      workers.flatMap((worker) => ["--include", worker]),
      ["--include", "shaders", "--include", "node_modules", "--output", target, "main.ts"],
    ),
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) return lastWords(new TextDecoder().decode(stderr));
  const tried = await new Deno.Command(target, { args: ["--version"], stdin: "null" }).output();
  const said = new TextDecoder().decode(tried.stdout).trim();
  return tried.success && said.split(/\s+/).includes(version)
    ? undefined
    : `the compiled file answers "${said.split("\n")[0]}" to --version`;
}

if (import.meta.main) {
  Deno.chdir(new URL("../", import.meta.url));
  const started = performance.now();
  const target = Deno.args[0] ?? `dist/sdm${Deno.build.os === "windows" ? ".exe" : ""}`;
  const folder = "dist/stage";
  Deno.mkdirSync("dist", { recursive: true });
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const { workers, version } = stage(`${folder}/program`);
  // Made aside and moved into place, so that a file that does not start never stands where a good one stood.
  const made = Deno.realPathSync(folder) + (Deno.build.os === "windows" ? "/sdm.exe" : "/sdm");
  const reason = await compileWithBase(`${folder}/program`, workers, made, version);
  if (reason !== undefined) {
    console.log(
      `deno compile could not be used (${reason}), so the local Deno is packed into a self-extracting file`,
    );
    if (Deno.build.os === "windows") {
      console.error(
        "Cannot pack sdm: a self-extracting file needs a POSIX shell, none is on Windows",
      );
      Deno.exit(2);
    }
    Deno.copyFileSync(Deno.realPathSync(Deno.execPath()), `${folder}/deno`);
    Deno.chmodSync(`${folder}/deno`, 0o755);
    await packSelfExtracting(folder, made, version);
  }
  Deno.copyFileSync(made, `${target}.partial`);
  Deno.renameSync(`${target}.partial`, target);
  Deno.removeSync(folder, { recursive: true });
  const megabytes = (Deno.statSync(target).size / 1e6).toFixed(1);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${target}: ${megabytes} MB in ${seconds} s`);
}
