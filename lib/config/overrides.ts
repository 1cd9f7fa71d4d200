/**
 * Values from the command line: `--set optimizer.lr=1e-4` and flags that bear the name of a key.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { aliasedValue } from "./aliases.ts";
import { findKey, type PlacedKeys, unknownKey } from "./place.ts";
import type { ConfigKey } from "./schema.ts";

/** One value from the command line, still as text where it came as text. */
export interface Override {
  /** Path of the key, `section.name`. */
  path: string;
  /** The value. */
  value: unknown;
}

/** Keys of which the later given drops the earlier, so that a flag can replace what a file says otherwise. */
const EXCLUSIVE: readonly (readonly [string, string])[] = [
  ["model.hookpoint", "model.hookpoints"],
  ["dictionary.d_sae", "dictionary.expansion_factor"],
  ["model.onnx", "model.hub"],
  ["data.activations", "data.text"],
  ["data.activations", "data.dataset"],
  ["data.text", "data.dataset"],
  ["data.eval_text", "data.dataset_eval_split"],
  ["train.save_every", "train.n_checkpoints"],
  ["dictionary.matryoshka_widths", "dictionary.matryoshka_fractions"],
];

/** Reads the text of a flag as a value of `key`; what cannot be read stays text and fails the check later. */
export function readFlag(key: ConfigKey, text: string): unknown {
  if (text.startsWith("[")) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  if (key.kind === "paths") return [text];
  if (key.kind === "names") return text.split(",").map((name) => name.trim());
  if (key.kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (key.kind === "number") return readNumber(text);
  if (key.kind === "numbers") {
    const numbers = text.split(",").map(readNumber);
    return numbers.every((n) => typeof n === "number") ? numbers : text;
  }
  return text;
}

function readNumber(text: string): number | string {
  const plain = text.trim().replace(/(?<=\d)_(?=\d)/g, "");
  return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : text;
}

/**
 * Reads `section.key=value`; the section may be left out, `-` and `_` are the same.
 * @throws SdmError when there is no `=` or no such key
 */
export function parseSet(text: string): Override {
  const equals = text.indexOf("=");
  if (equals <= 0) {
    throw new SdmError(`Cannot read --set "${text}": no "=" in it, section.key=value is needed`, {
      hint: "--set optimizer.lr=1e-4",
    });
  }
  const name = text.slice(0, equals).trim().replaceAll("-", "_");
  const key = findKey(name);
  if (!key) {
    const dot = name.lastIndexOf(".");
    throw unknownKey(name.slice(dot + 1), name.slice(0, Math.max(0, dot)), "--set");
  }
  return { path: key.path, value: readFlag(key, text.slice(equals + 1).trim()) };
}

/** Puts overrides over values from a file; among overrides the last of a key holds. */
export function applyOverrides(placed: PlacedKeys, overrides: readonly Override[]): PlacedKeys {
  const result = new Map(placed);
  for (const { path, value } of overrides) {
    for (const [a, b] of EXCLUSIVE) {
      const other = path === a ? b : path === b ? a : undefined;
      if (other && !overrides.some((o) => o.path === other)) result.delete(other);
    }
    result.set(path, aliasedValue(path, value));
  }
  return result;
}
