/**
 * Lays the program out as it is shipped: its own files as they are, and of each npm package what runs on this system.
 *
 * The files are not bundled. Workers, shader texts and the native library of ONNX Runtime are found by addresses relative
 * to the file that names them, so the layout that the tests ran is the layout that is shipped; a bundle would start
 * about 35 ms earlier and need each of those addresses rewritten.
 * @module
 */
import { importsOf } from "../check/tree.ts";

/** Dependencies that their packages need only while being installed or have in their own bundle already. */
const NOT_AT_RUN_TIME = new Set([
  "@huggingface/tasks",
  "adm-zip",
  "flatbuffers",
  "global-agent",
  "guid-typescript",
  "long",
  "platform",
  "protobufjs",
]);

/** The files of onnxruntime-web that its `wasm` and `webgpu` entry points load. */
const WEB_FILES =
  /^dist\/(ort\.(wasm|webgpu)\.bundle\.min\.mjs|ort-wasm-simd-threaded(\.asyncify)?\.(wasm|mjs))$/;

/** The files of @huggingface/hub for this side of the wire: not its browser build, nor its command line. */
const HUB_FILES = /^dist\/(?!cli)[^/]+\.mjs$/;

/** Name of the package that a bare specifier belongs to. */
export function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/**
 * Whether a file of a package is needed at run time on this system.
 * @param path relative to the package
 * @param system as Node names it: `linux/x64`
 */
export function isNeeded(name: string, path: string, system: string): boolean {
  if (path === "package.json" || /^(LICENSE|LICENCE|ThirdPartyNotices)/i.test(path)) return true;
  if (/\.(map|md|markdown|cts|mts|ts|tsx|flow)$/.test(path)) return false;
  if (/^(test|tests|__tests__|script|scripts|docs|examples?)\//.test(path)) return false;
  if (name === "@huggingface/hub") return HUB_FILES.test(path);
  if (name === "onnxruntime-web") return WEB_FILES.test(path);
  if (name === "onnxruntime-node") {
    return path.startsWith("bin/") ? path.startsWith(`bin/napi-v6/${system}/`) : true;
  }
  return true;
}

/** Paths of all files under a folder, relative to it, with `/`. */
export function filesUnder(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) => {
    const path = prefix + entry.name;
    return entry.isDirectory ? filesUnder(`${folder}/${entry.name}`, `${path}/`) : [path];
  });
}

/** Copies one file, making its folder. */
function copy(from: string, to: string): void {
  Deno.mkdirSync(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  Deno.copyFileSync(from, to);
}

/** Folder of each package that the given ones need, by name; one version of each is expected. */
function closure(names: Iterable<string>): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (name: string, from: string) => {
    const folder = Deno.realPathSync(`${from}/${name}`);
    const known = found.get(name);
    if (known === folder || NOT_AT_RUN_TIME.has(name)) return;
    if (known) {
      throw new Error(`Cannot stage "${name}": two versions are used, ${known} and ${folder}`);
    }
    found.set(name, folder);
    const manifest = JSON.parse(Deno.readTextFileSync(`${folder}/package.json`));
    // In Deno's layout the dependencies of a package are its neighbours.
    const siblings = folder.slice(0, folder.length - name.length - 1);
    for (const dependency of Object.keys(manifest.dependencies ?? {})) visit(dependency, siblings);
  };
  for (const name of names) visit(name, "node_modules");
  return found;
}

/** What was laid out. */
export interface Staged {
  /** Workers and other entry points beside `main.ts`, relative to the folder. */
  workers: string[];
  /** Version in deno.json. */
  version: string;
}

/**
 * Lays the program out under `folder`, which must not exist. Runs in the repository's root.
 */
export function stage(folder: string): Staged {
  const config = JSON.parse(Deno.readTextFileSync("deno.json"));
  const sources = ["main.ts", ...filesUnder("lib", "lib/"), ...filesUnder("shaders", "shaders/")];
  const packages = new Set<string>();
  for (const path of sources) {
    copy(path, `${folder}/${path}`);
    if (!path.endsWith(".ts")) continue;
    for (const specifier of importsOf(Deno.readTextFileSync(path))) {
      const name = packageOf(specifier);
      if (String(config.imports[name]).startsWith("npm:")) packages.add(name);
    }
  }

  const system = `${Deno.build.os === "windows" ? "win32" : Deno.build.os}/` +
    (Deno.build.arch === "aarch64" ? "arm64" : "x64");
  const dependencies: Record<string, string> = {};
  for (const [name, from] of closure(packages)) {
    for (const path of filesUnder(from)) {
      if (isNeeded(name, path, system)) {
        copy(`${from}/${path}`, `${folder}/node_modules/${name}/${path}`);
      }
    }
    const { version } = JSON.parse(Deno.readTextFileSync(`${from}/package.json`));
    if (packages.has(name)) dependencies[name] = version;
  }

  const { name, version, license, unstable } = config;
  const imports = Object.fromEntries(
    Object.entries(config.imports).filter(([, to]) => !String(to).startsWith("npm:")),
  );
  const write = (path: string, value: unknown) =>
    Deno.writeTextFileSync(`${folder}/${path}`, JSON.stringify(value, null, 2) + "\n");
  write("deno.json", {
    name,
    version,
    license,
    exports: "./main.ts",
    unstable,
    imports,
    nodeModulesDir: "manual",
    lock: false,
  });
  write("package.json", { name, version, type: "module", dependencies });
  return { workers: sources.filter((path) => /^lib\/.*\/worker\.ts$/.test(path)), version };
}
