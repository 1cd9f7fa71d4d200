/**
 * Every key of the configuration as a flag of a command.
 * @module
 */
import { type Command, Option } from "commander";
import { type Override, parseSet, readFlag } from "../config/overrides.ts";
import { type ConfigKey, configKeys, type SectionName } from "../config/schema.ts";

/** Whether a key is a switch: a flag without a value. */
function isSwitch(key: ConfigKey): boolean {
  return key.needs === "true or false";
}

function flagOf(key: ConfigKey): string {
  return `--${key.name.replaceAll("_", "-")}`;
}

function describe(key: ConfigKey): string {
  const facts = [key.unit, key.default && `default: ${key.default}`].filter(Boolean).join(", ");
  return key.description.replace(/\.$/, "") + (facts ? ` (${facts})` : "");
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...before ?? [], value];
}

function optionsOf(key: ConfigKey): Option[] {
  const group = `${key.section ? `[${key.section}]` : "Run"}:`;
  const text = describe(key);
  if (isSwitch(key)) {
    return [
      new Option(flagOf(key), text).helpGroup(group),
      new Option(`--no-${flagOf(key).slice(2)}`, `turn --${flagOf(key).slice(2)} off`).helpGroup(
        group,
      ),
    ];
  }
  const option = new Option(`${flagOf(key)} <value>`, text).helpGroup(group);
  return [isRepeated(key) ? option.argParser(collect) : option];
}

/** Whether a flag may be given several times; `--hookpoint a --hookpoint b` names several hookpoints. */
function isRepeated(key: ConfigKey): boolean {
  return key.kind === "paths" || key.kind === "names" || key.path === "model.hookpoint";
}

/** The override that a flag means. */
function overrideOf(key: ConfigKey, value: unknown): Override {
  if (!Array.isArray(value)) {
    return { path: key.path, value: typeof value === "string" ? readFlag(key, value) : value };
  }
  if (key.path === "model.hookpoint") {
    return value.length === 1
      ? { path: key.path, value: value[0] }
      : { path: "model.hookpoints", value };
  }
  const names = key.kind === "names";
  return { path: key.path, value: names ? value.flatMap((text) => readFlag(key, text)) : value };
}

/**
 * Adds the keys of `sections` as flags, and `--set`.
 * @returns reads the overrides out of the parsed command, flags first, then `--set` in order
 */
export function addConfigFlags(
  command: Command,
  sections: readonly SectionName[],
): () => Override[] {
  const keys = configKeys().filter((key) => sections.includes(key.section));
  command.addOption(
    new Option("--set <section.key=value>", "set any key of the configuration").argParser(collect),
  );
  for (const key of keys) for (const option of optionsOf(key)) command.addOption(option);
  return () => {
    const given = command.opts();
    const flags = keys.flatMap((key): Override[] => {
      const attribute = new Option(flagOf(key)).attributeName();
      if (command.getOptionValueSource(attribute) !== "cli") return [];
      return [overrideOf(key, given[attribute])];
    });
    return [...flags, ...(given.set as string[] | undefined ?? []).map(parseSet)];
  };
}
