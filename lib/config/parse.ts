/**
 * From a parsed file to a checked {@link Config}; everything that is wrong is told in one sentence.
 * @module
 */
import { basename } from "node:path";
import { SdmError } from "../base/errors.ts";
import { canonicalName } from "../onnx/names.ts";
import { applyRules } from "./apply_rules.ts";
import { checkConfig, checkInputs, type InputsNeeded } from "./check.ts";
import { keyAt, type PlacedKeys, placeKeys, shown, sourceName } from "./place.ts";
import { configSchema } from "./schema.ts";
import type { Config } from "./types.ts";

/** What {@link validateConfig} checks and completes. */
export interface ValidateOptions {
  /** Name of the file or "command line", for errors and for the name of the run's folder. */
  source: string;
  /** Time that names the run's folder when there is no file; now by default. */
  now?: Date;
  /** What must be named, see {@link InputsNeeded}; all that training needs by default. */
  inputs?: InputsNeeded;
}

/** `runs/<stem of the file>`, or `runs/<time>` when the source is no file. */
export function defaultOutputPath(source: string, now: Date = new Date()): string {
  const stem = /^(.+)\.(toml|json)$/i.exec(basename(source.replaceAll("\\", "/")))?.[1];
  return `runs/${stem ?? now.toISOString().slice(0, 19).replaceAll(":", "-")}`;
}

/**
 * Checks values that are already at their keys.
 * @throws SdmError when a value is not legal, or when two values contradict each other
 */
export function validateConfig(placed: PlacedKeys, options: ValidateOptions): Config {
  const nested: Record<string, unknown> = {};
  for (const [path, value] of placed) {
    const [first, second] = path.split(".");
    if (second === undefined) nested[first] = value;
    else ((nested[first] ??= {}) as Record<string, unknown>)[second] = value;
  }
  const result = configSchema.safeParse(nested);
  if (!result.success) throw illegalValue(result.error.issues[0].path, nested, options.source);
  const config = result.data;
  nameHookpoints(config.model);
  config.output_path ||= defaultOutputPath(options.source, options.now);
  if (config.model.onnx && /\.onnx$/i.test(config.model.onnx)) {
    config.model.tokenizer ??= config.model.onnx.replace(/[^\\/]*$/, "tokenizer.json");
  }
  const { source, inputs = true } = options;
  applyRules(config, { given: new Set(placed.keys()), source, points: inputs === true });
  checkConfig(config, source);
  if (inputs !== false) checkInputs(config, source, inputs);
  return config;
}

/** Short names of hookpoints become the canonical ones, which stores and dictionaries keep. */
function nameHookpoints(model: Config["model"]): void {
  if (model.hookpoint) model.hookpoint = canonicalName(model.hookpoint);
  if (model.hookpoint_out) model.hookpoint_out = canonicalName(model.hookpoint_out);
  if (model.hookpoints) model.hookpoints = model.hookpoints.map(canonicalName);
  if (model.hookpoints_out) model.hookpoints_out = model.hookpoints_out.map(canonicalName);
}

function illegalValue(at: PropertyKey[], nested: unknown, source: string): SdmError {
  let path = "";
  let value = nested;
  let key;
  for (const part of at) {
    if (key) break;
    path = path ? `${path}.${String(part)}` : String(part);
    value = (value as Record<PropertyKey, unknown>)?.[part];
    key = keyAt(path);
  }
  const needs = key?.needs ?? "another value";
  return new SdmError(
    `Cannot use ${sourceName(source)}: ${path} is ${shown(value)}, ${needs} is needed`,
    {
      hint: key ? `${path}: ${key.description}` : undefined,
    },
  );
}

/**
 * Checks a parsed TOML or JSON file. Other programs' names of keys are accepted, unknown keys are refused.
 * @param raw the parsed file
 * @param source name of the file, for errors and for the default of `output_path`
 * @example
 * ```ts
 * import { parseConfig } from "./parse.ts";
 * const config = parseConfig({ data: { activations: "store" }, k: 16 }, "try.toml");
 * if (config.dictionary.k !== 16 || config.output_path !== "runs/try") throw new Error("wrong");
 * ```
 */
export function parseConfig(raw: unknown, source: string): Config {
  return validateConfig(placeKeys(raw, source), { source });
}
