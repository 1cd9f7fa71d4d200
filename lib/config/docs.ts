/**
 * The page `docs/configuration.md`, made from the schema.
 * @module
 */
import { ALIASES } from "./aliases.ts";
import { type ConfigKey, configKeys, SECTION_NAMES } from "./schema.ts";

const INTRODUCTION = `# Configuration

This page is made from the schema in \`lib/config/\`; a test compares them.

\`sdm train config.toml\` reads a TOML or JSON file. Every key is also a flag of the same name (\`--batch-tokens 4096\`,
\`-\` and \`_\` are the same), and \`--set section.key=value\` sets any key. Flags hold over the file. Paths in a file
are relative to the folder of the file, paths in flags to the working folder. A key may stand in its section or at the
top of the file. Unknown keys are refused, with the nearest known name; so are keys that the family does not read, with
the reason: [families.md](families.md) lists the keys of each. \`configJsonSchema()\` of \`mod.ts\` gives the schema to
editors.

A run's folder holds \`config.json\`, in which every default is filled in.
`;

/** The names that other programs use for the key at `path`, in the order of the table. */
export function aliasesOf(path: string): string[] {
  return [...ALIASES].filter(([, target]) => target === path).map(([name]) => name);
}

function row(key: ConfigKey): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const names = aliasesOf(key.path).map((name) => `\`${name}\``).join(", ");
  const scope = key.scope ? ` Read with ${key.scope}.` : "";
  const meaning = key.description + scope + (names ? ` Also: ${names}.` : "");
  const value = key.default === undefined ? "none" : key.default;
  const plain = key.fallback === undefined && key.default !== undefined ? `\`${value}\`` : value;
  return `| \`${key.name}\` | ${cell(plain)} | ${key.unit ?? ""} | ${cell(meaning)} | ${
    cell(key.reason)
  } |`;
}

/** The whole page as Markdown; `deno fmt` may still pad its tables. */
export function configurationPage(): string {
  const parts = SECTION_NAMES.map((section) => {
    const rows = configKeys().filter((key) => key.section === section).map(row);
    const title = section ? `## \`[${section}]\`` : "## Outside of any section";
    return [
      title,
      "",
      "| key | default | unit | meaning | why this default |",
      "|-|-|-|-|-|",
      ...rows,
    ]
      .join("\n");
  });
  return [INTRODUCTION, ...parts].join("\n").replaceAll("\n## ", "\n\n## ") + "\n";
}
