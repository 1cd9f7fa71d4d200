/**
 * A documented field of the configuration: a zod type, what it means, its unit, and why its default is what it is.
 * @module
 */
import { z } from "zod";

/** How the text of a flag becomes a value of the field. */
export type FieldKind =
  | "text"
  | "names"
  | "path"
  | "paths"
  | "number"
  | "numbers"
  | "boolean"
  | "choice";

/** What a person needs to know about one field. */
export interface FieldDoc {
  /** How a flag's text is read. */
  kind: FieldKind;
  /** What the field means: one sentence, without its unit. */
  description: string;
  /** Unit of the value, where it has one. */
  unit?: string;
  /** Why the default is what it is. */
  reason: string;
  /** What stands for the default where it depends on other things. */
  fallback?: string;
  /** What a legal value is, as it ends an error sentence: "a whole number of at least 1". */
  needs: string;
}

/** Documents of all fields, by the zod type of the field. */
export const fieldDocs: z.core.$ZodRegistry<FieldDoc> = z.registry<FieldDoc>();

/** The part of a {@link FieldDoc} that a section writes down. */
export type About = Omit<FieldDoc, "kind" | "needs">;

/** Puts `doc` beside `type`; to be called last, after `default` and `optional`. */
export function field<T extends z.ZodType>(type: T, doc: FieldDoc): T {
  fieldDocs.add(type, doc);
  return type;
}

/** A whole number of at least `min`. */
export function whole(min: number): z.ZodInt {
  return z.int().min(min);
}

/** What {@link whole} needs, in words. */
export function wholeNeeds(min: number): string {
  return `a whole number of at least ${min}`;
}

/** An optional whole number of at least `min`. */
export function optionalWhole(min: number, about: About): z.ZodOptional<z.ZodInt> {
  return field(whole(min).optional(), { ...about, kind: "number", needs: wholeNeeds(min) });
}

/** A whole number of at least `min` with a default. */
export function defaultWhole(min: number, value: number, about: About): z.ZodDefault<z.ZodInt> {
  return field(whole(min).default(value), { ...about, kind: "number", needs: wholeNeeds(min) });
}

/** One of `names`, the first being the default unless another is given. */
export function choice<const Name extends string>(
  names: readonly [Name, ...Name[]],
  about: About,
  value: Name = names[0],
): z.ZodDefault<z.ZodEnum<{ [K in Name]: K }>> {
  const type = z.enum(names as unknown as [Name, ...Name[]]).default(value as never);
  return field(type as unknown as z.ZodDefault<z.ZodEnum<{ [K in Name]: K }>>, {
    ...about,
    kind: "choice",
    needs: oneOf(names),
  });
}

/** A switch with a default. */
export function flag(value: boolean, about: About): z.ZodDefault<z.ZodBoolean> {
  return field(z.boolean().default(value), { ...about, kind: "boolean", needs: "true or false" });
}

/** An optional path; relative paths are relative to the folder of the file that holds them. */
export function optionalPath(about: About): z.ZodOptional<z.ZodString> {
  return field(z.string().min(1).optional(), { ...about, kind: "path", needs: "a path" });
}

/** A list of paths, written as a list or as one string. */
export function optionalPaths(about: About): z.ZodOptional<z.ZodArray<z.ZodString>> {
  const type = z.array(z.string().min(1)).min(1).optional();
  return field(type, { ...about, kind: "paths", needs: "a list of one or more paths" });
}

/** A list of names, written as a list or as one string. */
export function optionalNames(about: About): z.ZodOptional<z.ZodArray<z.ZodString>> {
  const type = z.array(z.string().min(1)).min(1).optional();
  return field(type, { ...about, kind: "names", needs: "a list of one or more names" });
}

/** Bounds of a number: `min` and `max` may be reached, `above` and `below` may not. */
export type Bounds = { min: number; below?: number; max?: number } | { above: number };

function bounded(bounds: Bounds): { type: z.ZodNumber; needs: string } {
  if ("above" in bounds) {
    return { type: z.number().gt(bounds.above), needs: `a number above ${bounds.above}` };
  }
  const { min, below, max } = bounds;
  const type = z.number().min(min);
  if (below !== undefined) {
    const needs = `a number from ${min} up to but not including ${below}`;
    return { type: type.lt(below), needs };
  }
  if (max !== undefined) return { type: type.max(max), needs: `a number from ${min} to ${max}` };
  return { type, needs: `a number of at least ${min}` };
}

/** An optional number. */
export function optionalNumber(bounds: Bounds, about: About): z.ZodOptional<z.ZodNumber> {
  const { type, needs } = bounded(bounds);
  return field(type.optional(), { ...about, kind: "number", needs });
}

/** A number with a default. */
export function defaultNumber(
  bounds: Bounds,
  value: number,
  about: About,
): z.ZodDefault<z.ZodNumber> {
  const { type, needs } = bounded(bounds);
  return field(type.default(value), { ...about, kind: "number", needs });
}

/** An optional switch. */
export function optionalFlag(about: About): z.ZodOptional<z.ZodBoolean> {
  return field(z.boolean().optional(), { ...about, kind: "boolean", needs: "true or false" });
}

/** An optional list of numbers. */
export function optionalNumbers(
  type: z.ZodNumber | z.ZodInt,
  needs: string,
  about: About,
): z.ZodOptional<z.ZodArray<z.ZodNumber | z.ZodInt>> {
  return field(z.array(type).min(1).optional(), { ...about, kind: "numbers", needs });
}

/** One of `names`, or nothing. */
export function optionalChoice<const Name extends string>(
  names: readonly [Name, ...Name[]],
  about: About,
): z.ZodOptional<z.ZodEnum<{ [K in Name]: K }>> {
  const type = z.enum(names as unknown as [Name, ...Name[]]).optional();
  return field(type as unknown as z.ZodOptional<z.ZodEnum<{ [K in Name]: K }>>, {
    ...about,
    kind: "choice",
    needs: oneOf(names),
  });
}

function oneOf(names: readonly string[]): string {
  const listed = names.map((name) => `"${name}"`);
  return listed.length === 1 ? listed[0] : `one of ${listed.join(", ")}`;
}
