/**
 * Reads a configuration from a TOML or JSON file and the command line, and writes one as TOML.
 * @module
 */
import { basename, dirname, resolve } from "node:path";
import { stringify } from "smol-toml";
import { SdmError } from "../base/errors.ts";
import { exists, parseJson, parseToml, readTextFile } from "../files/documents.ts";
import { looksLikeHub } from "../files/hub_names.ts";
import type { InputsNeeded } from "./check.ts";
import { applyOverrides, type Override } from "./overrides.ts";
import { validateConfig } from "./parse.ts";
import { keyAt, type PlacedKeys, placeKeys } from "./place.ts";
import type { Config } from "./types.ts";

/** Where a configuration comes from. */
export interface ConfigSources {
  /** A TOML or JSON file, or the folder of a run, whose `config.json` is meant. */
  file?: string;
  /** Values from the command line, in order. */
  overrides?: readonly Override[];
  /** What must be named, see {@link InputsNeeded}; all that training needs by default. */
  inputs?: InputsNeeded;
}

/**
 * Parses the text of a file: JSON when its name or its first character says so, else TOML.
 * @throws SdmError with line and column
 */
export function parseConfigText(text: string, source: string): unknown {
  const json = /\.json$/i.test(source) || (!/\.toml$/i.test(source) && /^\s*\{/.test(text));
  return json ? parseJson(text, source, "config") : parseToml(text, source, "config");
}

/** Makes paths absolute: in a file they are relative to its folder, on the command line to the working folder. */
async function absolutePaths(placed: PlacedKeys, folder: string): Promise<PlacedKeys> {
  const absolute = (value: unknown) => typeof value === "string" ? resolve(folder, value) : value;
  const isHere = async (value: unknown) =>
    typeof value === "string" && !/^hf:/.test(value) && await exists(resolve(folder, value));
  const entries: PlacedKeys = new Map();
  for (const [path, value] of placed) {
    const kind = keyAt(path)?.kind;
    // A name of the hub looks like a path; one that exists is a path.
    if (path === "model.onnx" && typeof value === "string" && looksLikeHub(value)) {
      entries.set(path, await isHere(value) ? absolute(value) : value);
    } else if (path === "data.dataset" && await isHere(value)) {
      entries.set("data.text", [absolute(value)]);
    } else if (kind === "path") entries.set(path, absolute(value));
    else if (kind === "paths" && Array.isArray(value)) entries.set(path, value.map(absolute));
    else entries.set(path, value);
  }
  return entries;
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}

/** Keys that were written down, and where: a file's name or "command line". */
export interface WrittenKeys {
  /** Values by path, paths absolute. */
  placed: PlacedKeys;
  /** For errors. */
  source: string;
}

/**
 * Reads what is written in the file and on the command line, unchecked but for the names of keys. Flags hold over the file.
 * @throws SdmError when something cannot be read, or a key is not known
 */
export async function readKeys({ file, overrides = [] }: ConfigSources): Promise<WrittenKeys> {
  if (file !== undefined && await isFolder(file)) {
    const folder = file;
    file = `${folder.replace(/[\\/]+$/, "")}/config.json`;
    if (!await exists(file)) {
      throw new SdmError(
        `Cannot read config "${folder}": no config.json in it, the folder of a run is needed`,
      );
    }
  }
  let placed: PlacedKeys = new Map();
  const source = file === undefined ? "command line" : basename(file);
  if (file !== undefined) {
    const raw = parseConfigText(await readTextFile(file, "config"), file);
    placed = await absolutePaths(placeKeys(raw, source), dirname(resolve(file)));
  }
  const given = await absolutePaths(applyOverrides(new Map(), overrides), Deno.cwd());
  const all = applyOverrides(placed, [...given].map(([path, value]) => ({ path, value })));
  return { placed: all, source };
}

/**
 * Reads and checks a configuration. Flags hold over the file; paths of the result are absolute.
 * @throws SdmError when something cannot be read or is not legal
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const { placed, source } = await readKeys(sources);
  const config = validateConfig(placed, { source, inputs: sources.inputs });
  return { ...config, output_path: resolve(config.output_path) };
}

/** A configuration as TOML; undefined keys are left out. */
export function toToml(config: Config): string {
  return stringify(JSON.parse(JSON.stringify(config))) + "\n";
}
