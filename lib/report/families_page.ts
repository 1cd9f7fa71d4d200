/**
 * The page `docs/families.md`: every family with its formula, its source and what it reads, made from the code.
 * @module
 */
import { conditionText } from "../config/apply_rules.ts";
import { ACTIVATION_REASONS, FAMILIES, type PointsKind } from "../config/families.ts";
import { ACTIVATIONS, ENCODERS } from "../config/names.ts";
import type { Condition, KeyRule } from "../config/rule.ts";
import { KEY_RULES } from "../config/rules.ts";
import { commonOptions, describeFamilies, type FamilyDescription } from "./families.ts";
import type { FamilyOption } from "./families.ts";
import * as text from "./families_text.ts";
import { markdownPage, markdownTable, markdownText } from "./markdown.ts";

const POINTS: Readonly<Record<PointsKind, string>> = {
  one: "one",
  pair: "in, out",
  layers: "lists in, out",
};

function code(value: string): string {
  return `\`${value}\``;
}

function codes(values: readonly string[]): string {
  return values.map(code).join(", ");
}

/** Paragraphs; neighbours that begin with a dash are one list. */
function prose(paragraphs: readonly string[]): string {
  return paragraphs.map((paragraph, i) => {
    const item = paragraph.startsWith("- ");
    const lines = markdownText(item ? paragraph.slice(2) : paragraph, item ? 2 : 0);
    const between = item && paragraphs[i - 1]?.startsWith("- ") ? "\n" : "\n\n";
    return (i === 0 ? "" : between) + (item ? "- " + lines.replaceAll("\n", "\n  ") : lines);
  }).join("");
}

/** All families in one view. */
function overview(families: readonly FamilyDescription[]): string {
  return markdownTable(
    ["type", "what it is", "hookpoints", "activation", "encoder"],
    families.map(({ type, doc, points, sequences, activations, encoders }) => [
      `[${code(type)}](#${type})`,
      doc,
      POINTS[points] + (sequences ? ", whole contexts" : ""),
      codes(activations.map(({ name }) => name)) || "none",
      codes(encoders) || "its own",
    ]),
  );
}

/** Default and possible combinations: a family a row. */
function matrix(families: readonly FamilyDescription[]): string {
  const mark = (own: readonly string[], name: string) => {
    const at = own.indexOf(name);
    return at < 0 ? "" : at === 0 ? "**D**" : "x";
  };
  return markdownTable(
    ["type", ...ACTIVATIONS.map(code), ...ENCODERS.map(code)],
    families.map(({ type, activations, encoders }) => [
      code(type),
      ...ACTIVATIONS.map((name) => mark(activations.map((one) => one.name), name)),
      ...ENCODERS.map((name) => mark(encoders, name)),
    ]),
  );
}

/** What the activations compute, where several families have them. */
function activationTable(families: readonly FamilyDescription[]): string {
  const rows = ACTIVATIONS.map((name) => {
    const docs = new Map<string, string[]>();
    for (const { type, activations } of families) {
      const doc = activations.find((one) => one.name === name)?.doc;
      if (doc) docs.set(doc, [...docs.get(doc) ?? [], type]);
    }
    return [...docs].map(([doc, types]) => [
      code(name),
      code(doc),
      docs.size === 1 ? "" : types.length > 3 ? "all others" : codes(types),
    ]);
  });
  return markdownTable(["activation", "computes", "in"], rows.flat());
}

function optionRows(options: readonly FamilyOption[]): string[][] {
  return options.map(({ key, default: value, read_with, values }) => [
    code(key.replace("dictionary.", "")),
    value === null ? "none" : /^["\d.tf]/.test(value) && !/\s/.test(value) ? code(value) : value,
    values === null ? "" : codes(values),
    read_with ?? "",
  ]);
}

function familySection(
  family: FamilyDescription,
  twin: FamilyDescription | undefined,
  common: ReadonlySet<string>,
): string[] {
  const { type, doc, formula, source, hookpoint_keys, sequences, options } = family;
  const reads = `Reads ${codes(hookpoint_keys)}${sequences ? " in whole contexts" : ""}.`;
  const own = options.filter(({ key }) => !common.has(key));
  return [
    `### ${type}`,
    markdownText(`${doc}. ${reads}`),
    "```text\n" + formula.split("; ").join("\n") + "\n```",
    markdownText(`Source: ${source}`),
    twin
      ? markdownText(`It has the keys of [${twin.type}](#${twin.type}), with the same defaults.`)
      : markdownTable(["key", "default", "values", "read with"], optionRows(own)),
  ];
}

/** The family before `i` with the same keys, if there is one. */
function twinOf(families: readonly FamilyDescription[], i: number): FamilyDescription | undefined {
  const keys = (one: FamilyDescription) => JSON.stringify(one.options);
  return families.slice(0, i).find((one) => keys(one) === keys(families[i]));
}

/** Rules that restrict values, those that differ in one value of one key together. */
function restrictions(): string {
  const groups = new Map<string, { cells: [string, string, string]; when: Condition }>();
  for (const [path, { allowed = [] }] of Object.entries<KeyRule>(KEY_RULES)) {
    for (const { if: when, values, because } of allowed) {
      const cells: [string, string, string] = [path, codes(values.map(String)), because];
      const [name, ...others] = Object.keys(when);
      const id = JSON.stringify([cells, name, others.length > 0 ? when : null]);
      const joined = [...groups.get(id)?.when[name] ?? [], ...when[name]];
      groups.set(id, { cells, when: others.length > 0 ? when : { [name]: joined } });
    }
  }
  return markdownTable(
    ["key", "with", "may only be", "because"],
    [...groups.values()].map(({ cells: [path, values, because], when }) => [
      code(path.replace("dictionary.", "")),
      conditionText(when),
      values,
      because,
    ]),
  );
}

/** Rules on keys that only some read, those with one reason together. */
function unread(): string {
  const groups = new Map<string, { keys: string[]; scopes: Set<string> }>();
  for (const [path, { when, because }] of Object.entries(KEY_RULES)) {
    if (!when || !because) continue;
    const group = groups.get(because) ?? { keys: [], scopes: new Set() };
    group.keys.push(path.replace("dictionary.", ""));
    group.scopes.add(when.map((one) => conditionText(one)).join("; or "));
    groups.set(because, group);
  }
  return markdownTable(
    ["keys", "read with", "refused elsewhere because"],
    [...groups].map((
      [because, { keys, scopes }],
    ) => [codes(keys), [...scopes].join("; "), because]),
  );
}

function refusedActivations(): string {
  const rows = ACTIVATIONS.map((name) => {
    const types = Object.entries(FAMILIES).filter(([, one]) => one.activations.includes(name));
    return [code(name), codes(types.map(([type]) => type)), ACTIVATION_REASONS[name]];
  });
  return markdownTable(["activation", "of", "refused elsewhere because"], rows);
}

/** The whole page as Markdown, as `deno fmt` leaves it. */
export function familiesPage(): string {
  const families = describeFamilies();
  const common = commonOptions();
  const commonPaths = new Set(common.map(({ key }) => key));
  return markdownPage([
    "# Families",
    prose(text.INTRODUCTION),
    overview(families),
    markdownText(
      "What the keys mean: [configuration](configuration.md#dictionary). Which to choose, and commands: " +
        "[README](../README.md#families). Side by side on your data: [comparing](comparing.md).",
    ),
    "## Letters",
    markdownTable(["letter", "stands for"], text.LETTERS),
    "## Gates and families",
    prose(text.GATES),
    matrix(families),
    activationTable(families),
    "## The families one by one",
    markdownText(
      "All families read these keys alike, and those of `[data]`, `[train]`, `[optimizer]` " +
        "and `[gpu]`:",
    ),
    markdownTable(["key", "default", "values", "read with"], optionRows(common)),
    ...families.flatMap((one, i) => familySection(one, twinOf(families, i), commonPaths)),
    "## Dead latents",
    prose(text.DEAD),
    "## The same L0: target_l0",
    prose(text.TARGET),
    "## Thresholds after training",
    prose(text.THRESHOLDS),
    "## Screened selections",
    prose(text.SCREENED),
    "## What is stored whole, and what never is",
    prose(text.MEMORY),
    "## What is refused",
    markdownText(
      "Activations of other families, values that a family cannot have, and keys that it does not " +
        "read end in one sentence with the reason. Leaving such a key out, or giving the value that " +
        "means nothing (such as `auxk_coefficient = 0`), is accepted.",
    ),
    refusedActivations(),
    restrictions(),
    unread(),
  ]);
}
