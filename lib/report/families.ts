/**
 * What there is to know of every family: what it computes, where it comes from, what it reads. Joined from the registry
 * of models and the tables of the configuration.
 * @module
 */
import { commonKeys, type FamilyKey, familyKeys } from "../config/family_keys.ts";
import { FAMILIES as FACTS, type PointsKind } from "../config/families.ts";
import { configJsonSchema } from "../config/schema.ts";
import type { ActivationName, EncoderName, TypeName } from "../config/names.ts";
import { ACTIVATIONS } from "../models/activations/mod.ts";
import { FAMILIES } from "../models/mod.ts";

/** A key that a family reads. */
export interface FamilyOption {
  /** `section.name`. */
  key: string;
  /** Its default for the family, or the words that stand for it; `null` when there is none. */
  default: string | null;
  /** With which other values it is read; `null` when always. */
  read_with: string | null;
  /** Values that it may have where it is one of some names, else `null`. */
  values: readonly string[] | null;
}

/** A family in words. */
export interface FamilyDescription {
  /** Name in configurations. */
  type: TypeName;
  /** One sentence. */
  doc: string;
  /** What it computes and what is made small. */
  formula: string;
  /** Where it comes from. */
  source: string;
  /** What it reads: one hookpoint, an input and an output, or a list of both. */
  points: PointsKind;
  /** Keys that name them. */
  hookpoint_keys: readonly string[];
  /** Whether a batch is made of whole contexts, in order. */
  sequences: boolean;
  /** Activations that it may have with their formulas, the default first. */
  activations: readonly { name: ActivationName; doc: string }[];
  /** Encoders that it may have, the default first. */
  encoders: readonly EncoderName[];
  /** Keys that depend on the family, and those that all families read alike. */
  options: readonly FamilyOption[];
}

/** What an activation computes in a family. */
function activationDoc(family: typeof FAMILIES[number], name: ActivationName): string {
  const own = family.activationDocs?.[name];
  return own ?? ACTIVATIONS.find((part) => part.name === name)?.doc ?? name;
}

/** A key as data. */
export function familyOption({ key, scope, values, ...rest }: FamilyKey): FamilyOption {
  return {
    key: key.path,
    default: rest.default ?? null,
    read_with: scope ?? null,
    values: values ?? null,
  };
}

/** All families, in the order shown to users. */
export function describeFamilies(): FamilyDescription[] {
  return FAMILIES.map((family) => {
    const type = family.type as TypeName;
    const { activations, encoders, points, sequences } = FACTS[type];
    const keys = familyKeys(type);
    return {
      type,
      doc: family.doc,
      formula: family.formula,
      source: family.source,
      points,
      hookpoint_keys: keys.filter(({ key }) => key.section === "model").map(({ key }) => key.path),
      sequences,
      activations: activations.map((name) => ({ name, doc: activationDoc(family, name) })),
      encoders,
      options: keys.map(familyOption),
    };
  });
}

/** Paths of the keys that all families read alike. */
export function commonOptions(): FamilyOption[] {
  return commonKeys().map(familyOption);
}

/** A part of a JSON Schema. */
type Node = { [key: string]: unknown; properties: Record<string, Node> };

/**
 * The schema of a configuration as JSON Schema, for editors. Each family is described with its formula, its source and
 * the keys that it reads.
 */
export function describedJsonSchema(): Record<string, unknown> {
  const schema = configJsonSchema();
  const { type } = (schema as Node).properties.dictionary.properties;
  type.oneOf = describeFamilies().map((family) => ({
    const: family.type,
    title: family.doc,
    description: `${family.formula}. Source: ${family.source}`,
    "x-options": family.options,
  }));
  return schema;
}
