/**
 * The keys that one family reads, with the defaults and the values that they have for it: the tables of families and of
 * keys, with everything decided that the family decides.
 * @module
 */
import { ruleText } from "./apply_rules.ts";
import { FAMILIES } from "./families.ts";
import type { TypeName } from "./names.ts";
import type { Condition, KeyRule } from "./rule.ts";
import { KEY_RULES } from "./rules.ts";
import { configJsonSchema, type ConfigKey, configKeys } from "./schema.ts";

/** A key as a family reads it. */
export interface FamilyKey {
  /** The key. */
  readonly key: ConfigKey;
  /** Its default for the family, or the words that stand for it; undefined when there is none. */
  readonly default?: string;
  /** With which other values it is read; always when absent. */
  readonly scope?: string;
  /** Values that it may have, where it is one of some names. */
  readonly values?: readonly string[];
}

type Values = readonly unknown[];
type Node = { enum?: Values; type?: string; properties?: Record<string, Node> };

let shape: Node | undefined;

/** Names that a key may have, or both truth values; undefined for other kinds of keys. */
function choicesOf({ section, name }: ConfigKey): Values | undefined {
  shape ??= configJsonSchema() as Node;
  const field = (section ? shape.properties?.[section] : shape)?.properties?.[name];
  return field?.enum ?? (field?.type === "boolean" ? [true, false] : undefined);
}

/** What is left of a condition once the family is known: nothing where it holds, undefined where it cannot. */
function reduced(condition: Condition, type: TypeName): Condition | undefined {
  const left: Record<string, Values> = {};
  for (const [name, wanted] of Object.entries(condition)) {
    const possible = possibleValues(name, type);
    const common = possible.filter((value) => wanted.includes(value));
    if (common.length === 0) return undefined;
    if (common.length < possible.length) left[name] = common;
  }
  return left;
}

function isEmpty(condition: object): boolean {
  return Object.keys(condition).length === 0;
}

/** A rule once the family is known; undefined where the key is never read. */
function reducedRule(rule: KeyRule, type: TypeName): KeyRule | undefined {
  const when = rule.when?.map((one) => reduced(one, type)).filter((one) => one !== undefined);
  if (when?.length === 0) return undefined;
  const defaults: { if?: Condition; value: unknown }[] = [];
  for (const { if: condition, value } of rule.defaults ?? []) {
    const left = condition && reduced(condition, type);
    if (condition && !left) continue;
    const always = !left || isEmpty(left);
    defaults.push(always ? { value } : { if: left, value });
    if (always) break;
  }
  const allowed = (rule.allowed ?? []).flatMap((one) => {
    const left = reduced(one.if, type);
    return left ? [{ ...one, if: left }] : [];
  });
  return { ...rule, when: when?.some(isEmpty) ? undefined : when, defaults, allowed };
}

/** Values that a key can have in a configuration of the family; undefined stands for a key that is not read. */
function possibleValues(name: string, type: TypeName): Values {
  if (name === "type") return [type];
  const { activations } = FAMILIES[type];
  if (name === "activation") return activations.length > 0 ? activations : [undefined];
  const key = configKeys().find((one) => one.name === name);
  const choices = key && choicesOf(key);
  if (!choices) throw new TypeError(`Cannot list values: "${name}" is not one of some names`);
  const rule = reducedRule(KEY_RULES[key.path] ?? {}, type);
  if (!rule) return [undefined];
  const values = legal(choices, rule);
  return rule.when ? [...values, undefined] : values;
}

/** Those of `choices` that restrictions which always hold leave. */
function legal(choices: Values, { allowed = [] }: KeyRule): Values {
  return choices.filter((value) =>
    allowed.every((one) => !isEmpty(one.if) || one.values.includes(value))
  );
}

function familyKey(key: ConfigKey, type: TypeName): FamilyKey | undefined {
  const rule = reducedRule(KEY_RULES[key.path] ?? {}, type);
  if (!rule) return undefined;
  const { scope, default: fromRule } = ruleText(rule, { activation: FAMILIES[type].activations });
  const whole = rule.defaults?.some((one) => !one.if);
  const choices = key.name === "activation" ? FAMILIES[type].activations : choicesOf(key);
  const values = choices && legal(choices, rule).filter((value) => typeof value === "string");
  return {
    key,
    default: whole ? fromRule : key.fallback ?? fromRule ?? key.default,
    scope,
    values: values?.length ? values : undefined,
  };
}

/**
 * The keys of `[model]` that name hookpoints, those of `[dictionary]` but for the family itself, and the loss: what a
 * family decides. All other keys are the same for every family.
 */
export function familyKeys(type: TypeName): FamilyKey[] {
  return configKeys()
    .filter(({ section, path }) =>
      path !== "dictionary.type" &&
      (section === "dictionary" || (section !== "optimizer" && path in KEY_RULES))
    )
    .map((key) => familyKey(key, type))
    .filter((one) => one !== undefined);
}

/** Keys that every family reads, always and in the same way. */
export function commonKeys(): FamilyKey[] {
  const [first, ...others] = (Object.keys(FAMILIES) as TypeName[]).map(familyKeys);
  const text = (one: FamilyKey) => JSON.stringify([one.default, one.scope, one.values]);
  return first.filter((one) =>
    one.scope === undefined &&
    others.every((keys) => {
      const same = keys.find(({ key }) => key.path === one.key.path);
      return same !== undefined && text(same) === text(one);
    })
  );
}
