/**
 * Puts the keys of a configuration file where the schema has them: other programs' names, keys written outside of
 * their section, and a clear refusal of everything that is not known.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { didYouMean, nearest } from "../base/nearest.ts";
import { aliasedValue, ALIASES, REFUSED } from "./aliases.ts";
import { type ConfigKey, configKeys, SECTION_NAMES } from "./schema.ts";
import { shown, sourceName } from "./shown.ts";

export { shown, sourceName } from "./shown.ts";

/** Values by the path of their key: `"optimizer.lr"` to 1e-4. */
export type PlacedKeys = Map<string, unknown>;

const byName = new Map(configKeys().map((key) => [key.name, key]));
const byPath = new Map(configKeys().map((key) => [key.path, key]));
const sections = new Set<string>(SECTION_NAMES.filter((name) => name !== ""));

/** The key at `path`, if there is one. */
export function keyAt(path: string): ConfigKey | undefined {
  return byPath.get(path);
}

/**
 * The key that `name` means: its own name with or without its section, or another program's name for it; `-` and `_`
 * are the same. Undefined when there is none.
 */
export function findKey(name: string): ConfigKey | undefined {
  const plain = name.replaceAll("-", "_");
  const direct = byPath.get(plain) ?? byName.get(plain);
  if (direct) return direct;
  const alias = ALIASES.get(plain);
  if (alias) return byPath.get(alias);
  const dot = plain.lastIndexOf(".");
  if (dot < 0) return undefined;
  const inSection = byPath.get(ALIASES.get(plain.slice(dot + 1)) ?? "");
  return inSection?.section === plain.slice(0, dot) ? inSection : undefined;
}

/** The error for a name that is no key. */
export function unknownKey(name: string, section: string, source: string): SdmError {
  const known = [...byName.keys(), ...ALIASES.keys()];
  const found = `Unknown key "${section ? section + "." : ""}${name}" in ${sourceName(source)}`;
  const refused = REFUSED.get(name);
  if (refused) return new SdmError(`${found}: ${refused}`);
  const elsewhere = byName.get(name) ?? byPath.get(ALIASES.get(name) ?? "");
  if (elsewhere) return new SdmError(`${found}: did you mean "${elsewhere.path}"?`);
  const pathOf = (known: string) => byName.get(known)?.path ?? ALIASES.get(known)!;
  const own = known.filter((other) => byPath.get(pathOf(other))!.section === section);
  const near = nearest(name, own, 1)[0] ?? nearest(name, known, 1)[0];
  if (!near) return new SdmError(`${found}: docs/configuration.md lists the known ones`);
  const key = byPath.get(pathOf(near))!;
  const shownName = key.section === section ? key.name : key.path;
  return new SdmError(`${found}: did you mean "${shownName}"?`);
}

/** Whether `value` is a table of keys. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function put(placed: PlacedKeys, key: ConfigKey, value: unknown, source: string): void {
  if (value === null || value === undefined) return;
  if (placed.has(key.path)) {
    throw new SdmError(
      `Cannot use ${sourceName(source)}: "${key.path}" is given twice, one value is needed`,
    );
  }
  const list = key.kind === "paths" || key.kind === "names";
  const listed = list && typeof value === "string" ? [value] : value;
  placed.set(key.path, aliasedValue(key.path, listed));
}

/**
 * Finds the key of every value in `raw`, a parsed TOML or JSON file.
 * @param source name of the file, for errors
 * @throws SdmError when a key is unknown, misplaced or given twice
 */
export function placeKeys(raw: unknown, source: string): PlacedKeys {
  if (!isTable(raw)) {
    throw new SdmError(
      `Cannot use ${sourceName(source)}: it holds a list or a bare value, keys are needed`,
    );
  }
  const placed: PlacedKeys = new Map();
  for (const [name, value] of Object.entries(raw)) {
    if (isTable(value)) placeSection(placed, name, value, source);
    else {
      if (sections.has(name) && !findKey(name)) {
        throw new SdmError(
          `Cannot use ${sourceName(source)}: "${name}" is ${
            shown(value)
          }, a table of keys is needed`,
        );
      }
      const key = findKey(name);
      if (!key || name.includes("-")) throw unknownKey(name, "", source);
      put(placed, key, value, source);
    }
  }
  return placed;
}

function placeSection(
  placed: PlacedKeys,
  section: string,
  table: Record<string, unknown>,
  source: string,
): void {
  if (!sections.has(section)) {
    const hint = didYouMean(section, [...sections], 1) || `known ones: ${[...sections].join(", ")}`;
    throw new SdmError(`Unknown section "${section}" in ${sourceName(source)}: ${hint}`);
  }
  for (const [name, value] of Object.entries(table)) {
    const key = byPath.get(`${section}.${name}`) ??
      byPath.get(ALIASES.get(`${section}.${name}`) ?? ALIASES.get(name) ?? "");
    if (key?.section !== section) throw unknownKey(name, section, source);
    put(placed, key, value, source);
  }
}
