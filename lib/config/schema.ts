/**
 * The one schema of a run's configuration. Keys are spelled as the community spells them, in files and in code.
 * @module
 */
import { z } from "zod";
import { ruleText } from "./apply_rules.ts";
import { type FieldDoc, fieldDocs } from "./field.ts";
import { KEY_RULES } from "./rules.ts";
import { data, model, report, top } from "./sections_input.ts";
import { dictionary, gpu, optimizer, train } from "./sections_training.ts";
import type { Config, SectionName } from "./types.ts";

export type { Config, ResolvedConfig, SectionName } from "./types.ts";

const SECTIONS = { model, data, dictionary, train, optimizer, gpu, report };

/** The schema: keys at the top, then one table a section; every table may be left out. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  ...top,
  model: model.prefault({}),
  data: data.prefault({}),
  dictionary: dictionary.prefault({}),
  train: train.prefault({}),
  optimizer: optimizer.prefault({}),
  gpu: gpu.prefault({}),
  report: report.prefault({}),
});

/** Names of the sections in the order of the documentation, the keys outside of any first. */
export const SECTION_NAMES: readonly SectionName[] = [
  "",
  ...Object.keys(SECTIONS) as SectionName[],
];

/** One key of the configuration with its documentation. */
export interface ConfigKey extends FieldDoc {
  /** Section, or an empty string. */
  section: SectionName;
  /** Name within the section. */
  name: string;
  /** `section.name`, or the bare name outside of sections. */
  path: string;
  /** The default as it would be written, or the words that stand for it; undefined when there is none. */
  default?: string;
  /** With which other values it is read; undefined when always. */
  scope?: string;
}

function keysOf(section: SectionName, shape: Record<string, z.ZodType>): ConfigKey[] {
  return Object.entries(shape).map(([name, type]) => {
    const doc = fieldDocs.get(type);
    if (!doc) throw new TypeError(`Cannot list keys: "${section}.${name}" has no documentation`);
    const value = type instanceof z.ZodDefault ? JSON.stringify(type.def.defaultValue) : undefined;
    const path = section ? `${section}.${name}` : name;
    const rule = ruleText(KEY_RULES[path]);
    const text = doc.fallback ?? rule.default ?? value;
    return { ...doc, section, name, path, default: text, scope: rule.scope };
  });
}

let keys: readonly ConfigKey[] | undefined;

/** All keys with their documentation, in the order of the sections. Names are unique over all sections. */
export function configKeys(): readonly ConfigKey[] {
  keys ??= Object.freeze([
    ...keysOf("", top),
    ...Object.entries(SECTIONS).flatMap(([section, type]) =>
      keysOf(section as SectionName, type.shape)
    ),
  ]);
  return keys;
}

/** The schema as JSON Schema, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { io: "input", metadata: fieldDocs }) as Record<
    string,
    unknown
  >;
}
