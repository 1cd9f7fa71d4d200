/**
 * Which files of a dataset on the hub a configuration and a split mean: as its card says, else by the names of files.
 * @module
 */
import { didYouMean } from "../base/nearest.ts";
import { SdmError } from "../base/errors.ts";
import { type DatasetName, hubNameText } from "./hub_names.ts";
import { openRepo } from "./hub_repo.ts";
import type { HubContext } from "./hub_settings.ts";
import type { HubFile, HubRepo } from "./hub_types.ts";

/** Files that can be read as text. */
const READABLE = /\.(parquet|(txt|jsonl|ndjson|json)(\.(gz|zst))?)$/i;
/** Facts about a dataset, not its text. */
const FACTS = /(^|\/)(dataset_infos?|state|.*metadata|config)\.json$/i;

/** A split of a dataset at one commit. */
export interface HubDataset {
  /** The repository. */
  repo: HubRepo;
  /** Configuration. */
  config: string;
  /** Split. */
  split: string;
  /** Its files in the order in which they are read. */
  files: readonly HubFile[];
}

/** One configuration of a card: patterns of paths by split. */
interface CardConfig {
  name: string;
  isDefault: boolean;
  splits: Map<string, string[]>;
}

/** Words in the names of files and folders that mean a split, where no card tells. */
const SPLIT_WORDS: readonly (readonly [string, readonly string[]])[] = [
  ["train", ["train", "training"]],
  ["validation", ["validation", "valid", "val", "dev"]],
  ["test", ["test", "testing", "eval", "evaluation"]],
];

/** A pattern of paths (`*`, `**`, `?`, `[...]`, `{a,b}`) as a regular expression. */
export function globPattern(glob: string): RegExp {
  let source = "";
  let braces = 0;
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i];
    if (glob.startsWith("**/", i)) {
      source += "(?:.*/)?";
      i += 2;
    } else if (glob.startsWith("**", i)) {
      source += ".*";
      i++;
    } else if (c === "*") source += "[^/]*";
    else if (c === "?") source += "[^/]";
    else if (c === "[" && glob.indexOf("]", i + 1) > 0) {
      const end = glob.indexOf("]", i + 1);
      const inside = glob.slice(i + 1, end).replace(/^!/, "^").replaceAll("\\", "\\\\");
      source += `[${inside}]`;
      i = end;
    } else if (c === "{") {
      braces++;
      source += "(?:";
    } else if (c === "}" && braces > 0) {
      braces--;
      source += ")";
    } else if (c === "," && braces > 0) source += "|";
    else source += c.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  }
  return new RegExp(`^${source}$`);
}

/** The folder in which all that a pattern can match lies. */
function folderOf(glob: string): string {
  const fixed = glob.replace(/[*?[{].*$/s, "");
  return fixed.slice(0, Math.max(0, fixed.lastIndexOf("/")));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function texts(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((v) => typeof v === "string");
}

function cleanPattern(pattern: string, folder: string): string {
  return (folder ? `${folder}/` : "") + pattern.replace(/^(\.?\/)+/, "");
}

/** The configurations of a card; empty where it has none that can be read. */
function cardConfigs(configs: unknown): CardConfig[] {
  if (!Array.isArray(configs)) return [];
  return configs.filter(isTable).flatMap((config): CardConfig[] => {
    const folder = texts(config.data_dir)[0]?.replace(/^\.?\/|\/$/g, "") ?? "";
    const splits = new Map<string, string[]>();
    const files = config.data_files ?? (folder ? "**" : undefined);
    const add = (split: string, patterns: string[]) =>
      splits.set(split, [...splits.get(split) ?? [], ...patterns]);
    for (const entry of Array.isArray(files) ? files : [files]) {
      const table = isTable(entry);
      const patterns = texts(table ? entry.path : entry).map((p) => cleanPattern(p, folder));
      if (patterns.length > 0) add(texts(table ? entry.split : "train")[0] ?? "train", patterns);
    }
    const name = texts(config.config_name)[0] ?? "default";
    const isDefault = config.default === true || name === "default";
    return splits.size > 0 ? [{ name, isDefault, splits }] : [];
  });
}

/** Files by split as their names tell; all are "train" where no name tells anything. */
function splitsByName(files: readonly HubFile[]): Map<string, HubFile[]> {
  const plain = files.filter(({ path }) => READABLE.test(path) && !FACTS.test(path));
  const found = new Map<string, HubFile[]>();
  for (const file of plain) {
    const words = file.path.toLowerCase().split(/[^a-z]+/);
    const split = SPLIT_WORDS.find(([, all]) => all.some((word) => words.includes(word)))?.[0];
    if (split) found.set(split, [...found.get(split) ?? [], file]);
  }
  // A README.txt beside files in parquet is no text to train on.
  const parquet = plain.filter(({ path }) => /\.parquet$/i.test(path));
  if (found.size === 0 && plain.length > 0) found.set("train", parquet.length ? parquet : plain);
  return found;
}

/**
 * Opens the split of a dataset that a name means.
 * @throws SdmError when there is no such configuration or split, or no file that can be read
 */
export async function openDataset(context: HubContext, name: DatasetName): Promise<HubDataset> {
  const repo = await openRepo(context, "dataset", name);
  const what = `dataset "${hubNameText(name)}"`;
  const configs = cardConfigs(repo.configs);
  const wanted = name.split ?? "train";
  const config = pickConfig(configs, name.config, what);
  const bySplit = config?.splits ?? splitsByName(await folderFiles(repo, name.config, what));
  if (!bySplit.has(wanted) && bySplit.size > 0) {
    const known = [...bySplit.keys()];
    throw new SdmError(
      `Cannot read ${what}: it has no split "${wanted}", one of its own is needed`,
      {
        hint: `it has ${known.join(", ")}`,
      },
    );
  }
  const files = config
    ? await matching(repo, config.splits.get(wanted)!)
    : bySplit.get(wanted) ?? [];
  const readable = (files as HubFile[]).filter(({ path }) => READABLE.test(path));
  if (readable.length === 0) {
    const endings = [
      ...new Set((files as HubFile[]).map(({ path }) => path.replace(/^.*\./s, "."))),
    ];
    throw new SdmError(
      `Cannot read ${what}: it has no file of text that can be read, parquet, jsonl or txt is needed`,
      { hint: endings.length > 0 ? `it has ${endings.slice(0, 5).join(", ")}` : undefined },
    );
  }
  const configName = config?.name ?? name.config ?? "default";
  return { repo, config: configName, split: wanted, files: readable };
}

function pickConfig(
  configs: readonly CardConfig[],
  wanted: string | undefined,
  what: string,
): CardConfig | undefined {
  if (configs.length === 0) return undefined;
  if (wanted !== undefined) {
    const found = configs.find(({ name }) => name === wanted);
    if (found) return found;
  } else {
    const found = configs.find(({ isDefault }) => isDefault) ??
      (configs.length === 1 ? configs[0] : undefined);
    if (found) return found;
  }
  const names = configs.map(({ name }) => name);
  const listed = names.slice(0, 12).join(", ") + (names.length > 12 ? ", …" : "");
  throw new SdmError(
    wanted === undefined
      ? `Cannot read ${what}: it has ${names.length} configurations, the name of one is needed`
      : `Cannot read ${what}: it has no configuration "${wanted}", one of its own is needed`,
    {
      hint: (wanted && didYouMean(wanted, names)) ||
        `--dataset-config takes one of those that it has: ${listed}`,
    },
  );
}

/** Without a card, a configuration is a folder. */
async function folderFiles(
  repo: HubRepo,
  config: string | undefined,
  what: string,
): Promise<readonly HubFile[]> {
  if (config === undefined || config === "default") return await repo.files("");
  const all = await repo.files("");
  const below = all.filter(({ path }) => path.split("/").slice(0, -1).includes(config));
  if (below.length > 0) return below;
  const folders = [...new Set(all.flatMap(({ path }) => path.split("/").slice(0, -1)))];
  throw new SdmError(
    `Cannot read ${what}: it has no configuration and no folder "${config}", one of its own is needed`,
    { hint: didYouMean(config, folders) || undefined },
  );
}

/** The files that any of the patterns matches, sorted by path; a bare folder means all below it. */
async function matching(repo: HubRepo, patterns: readonly string[]): Promise<HubFile[]> {
  const found = new Map<string, HubFile>();
  for (const pattern of patterns) {
    const files = await repo.files(folderOf(pattern));
    const glob = globPattern(pattern);
    const hits = files.filter(({ path }) => glob.test(path));
    const below = hits.length > 0
      ? hits
      : files.filter(({ path }) => path.startsWith(`${pattern}/`));
    for (const file of below) found.set(file.path, file);
  }
  return [...found.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}
