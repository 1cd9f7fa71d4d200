/**
 * Applies the tables of families and of keys to a configuration, and says in words what they say.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { ACTIVATION_REASONS, FAMILIES } from "./families.ts";
import { ACTIVATIONS, ENCODERS, TYPES } from "./names.ts";
import { shown, sourceName } from "./shown.ts";
import type { Condition, KeyRule } from "./rule.ts";
import { KEY_RULES } from "./rules.ts";
import type { Config } from "./types.ts";

type Table = Record<string, unknown>;

/** Which rules are applied. */
export interface RuleOptions {
  /** Paths of the keys that were written down; the others hold defaults. */
  given: ReadonlySet<string>;
  /** Name of the configuration, for errors. */
  source: string;
  /** Whether the hookpoints must be those that the family reads. */
  points: boolean;
}

/** The values of all sections by name. */
function valuesOf(config: Config): Table {
  const sections = [config.model, config.dictionary, config.train, config.optimizer];
  return Object.assign({}, ...sections);
}

function holds(condition: Condition, values: Table): boolean {
  return Object.entries(condition).every(([name, wanted]) => wanted.includes(values[name]));
}

/**
 * Refuses what the family does not read or may not be, drops keys that it does not read, and fills defaults that depend on
 * the family. Changes `config`.
 * @throws SdmError with the reason
 */
export function applyRules(config: Config, options: RuleOptions): void {
  checkActivation(config, options.source);
  for (const [path, rule] of Object.entries(KEY_RULES)) {
    const [section, name] = path.split(".");
    if (section === "model" && !options.points) continue;
    const table = config[section as "dictionary"] as unknown as Table;
    const values = valuesOf(config);
    const given = options.given.has(path) && table[name] !== undefined;
    const read = rule.when === undefined || rule.when.some((one) => holds(one, values));
    if (!read) {
      if (given && !rule.neutral?.some((neutral) => neutral === table[name])) {
        refuse(path, table[name], factsOf(rule.when!, values), rule.because!, options.source);
      }
      delete table[name];
      continue;
    }
    if (!given) {
      const value = rule.defaults?.find((one) => !one.if || holds(one.if, values))?.value;
      if (value !== undefined) table[name] = value;
    }
    for (const { if: condition, values: legal, because } of rule.allowed ?? []) {
      if (table[name] === undefined || !holds(condition, values)) continue;
      if (legal.includes(table[name])) continue;
      refuse(path, table[name], factsOf([condition], values), because, options.source);
    }
  }
}

/** An activation that the family does not have. */
function checkActivation({ dictionary: { type, activation } }: Config, source: string): void {
  const own = FAMILIES[type].activations;
  if (activation === undefined || own.length === 0 || own.includes(activation)) return;
  const needed = own.length === 1 ? `"${own[0]}"` : `one of ${own.map((a) => `"${a}"`).join(", ")}`;
  const autoencoder = (TYPES as readonly string[]).includes(activation) && own.length === 1;
  throw new SdmError(
    `Cannot use ${sourceName(source)}: dictionary.activation is "${activation}" with type ` +
      `"${type}", ${needed} is needed: ${ACTIVATION_REASONS[activation]}`,
    { hint: autoencoder ? `dictionary.type = "${activation}"` : undefined },
  );
}

/** The values that a condition looks at, the type always: `type "relu" and sparsity_penalty "l1"`. */
function factsOf(conditions: readonly Condition[], values: Table): string {
  const names = new Set(conditions.flatMap((condition) => Object.keys(condition)));
  const facts = [...names].filter((name) => name !== "type" && values[name] !== undefined);
  const other = names.has("optimizer") ? facts : ["type", ...facts];
  return other.map((name) => `${name} ${shown(values[name])}`).join(" and ");
}

function refuse(
  path: string,
  value: unknown,
  facts: string,
  because: string,
  source: string,
): never {
  throw new SdmError(
    `Cannot use ${sourceName(source)}: ${path} is ${shown(value)} with ${facts}, ${because}`,
  );
}

/** Values of keys by name: what a condition may say it in terms of. */
export type Universes = Readonly<Record<string, readonly unknown[]>>;

/** All values of the keys that conditions look at most. */
const UNIVERSES: Universes = {
  type: TYPES,
  activation: ACTIVATIONS,
  encoder: ENCODERS,
  normalize_decoder: [true, false],
};

/** `type a, b and activation c`; what is left out of a long list, or of one that nothing is in, by what is missing. */
export function conditionText(condition: Condition, universes: Universes = UNIVERSES): string {
  return Object.entries(condition).map(([name, values]) => {
    const missing = universes[name]?.filter((value) => !values.includes(value)) ?? [];
    const others = values.includes(undefined) ||
      (missing.length > 0 && missing.length < values.length);
    return others ? `${name} other than ${missing.join(", ")}` : `${name} ${values.join(", ")}`;
  }).join(" and ");
}

/** What a rule says in words: with what its key is read, and its default. Undefined where it says nothing. */
export function ruleText(
  rule: KeyRule | undefined,
  universes: Universes = UNIVERSES,
): { scope?: string; default?: string } {
  if (!rule) return {};
  const words = (condition: Condition) => conditionText(condition, universes);
  const scope = rule.when?.map(words).join("; or ");
  const groups = new Map<unknown, string[]>();
  for (const one of rule.defaults ?? []) {
    const text = one.if ? `with ${words(one.if)}` : "else";
    groups.set(one.value, [...groups.get(one.value) ?? [], text]);
  }
  const only = groups.size === 1 && rule.defaults!.some((one) => !one.if);
  const parts = [...groups].map(([value, texts]) => {
    const types = texts.map((text) => text.replace(/^with type /, ""));
    const all = texts.every((text) => text.startsWith("with type "));
    const where = all ? `with type ${types.join(", ")}` : texts.join(" or ");
    return only
      ? shown(value)
      : where === "else"
      ? `else ${shown(value)}`
      : `${shown(value)} ${where}`;
  });
  return { scope, default: parts.length > 0 ? parts.join("; ") : undefined };
}
