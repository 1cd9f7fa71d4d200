/**
 * Names of repositories on the Hugging Face hub, as people write them: `owner/name`, `owner/name@revision`,
 * `hf:owner/name`; for a dataset also `:config` and `/split` behind it. Pure.
 * @module
 */
import { SdmError } from "../base/errors.ts";

/** What kind of repository. */
export type RepoKind = "model" | "dataset";

/** A repository at a revision. */
export interface HubName {
  /** `owner/name`, or a bare name for the few old repositories without an owner. */
  id: string;
  /** Branch, tag or commit; the hub's default branch without it. */
  revision?: string;
}

/** A dataset with the part of it that is meant. */
export interface DatasetName extends HubName {
  /** Name of a configuration (a subset). */
  config?: string;
  /** Name of a split. */
  split?: string;
}

const WORD = "[A-Za-z0-9][A-Za-z0-9._-]*";
const REVISION = "[A-Za-z0-9][A-Za-z0-9._/-]*?";
const PREFIX = "hf:";
const MODEL = new RegExp(`^(?:${WORD}/)?${WORD}(?:@${REVISION})?$`);
const DATASET = new RegExp(
  `^(?<id>(?:${WORD}/)?${WORD}?)(?:@(?<revision>[A-Za-z0-9][A-Za-z0-9._-]*))?` +
    `(?::(?<config>[A-Za-z0-9][\\w.+-]*))?(?:/(?<split>[\\w.-]+))?$`,
);
/** Endings that say that a path of a file was meant. */
const FILE = /\.(onnx|txt|jsonl?|ndjson|parquet|gz|zst|toml|safetensors)$/i;

/** Precision of a model's file. */
export type HubDtype =
  | "fp32"
  | "fp16"
  | "int8"
  | "uint8"
  | "q8"
  | "q4"
  | "q4f16"
  | "q2"
  | "q2f16"
  | "bnb4";

/** Suffix of the ONNX file of each precision, as transformers.js and onnx-community name them. */
export const DTYPE_SUFFIX: Readonly<Record<HubDtype, string>> = Object.freeze({
  fp32: "",
  fp16: "_fp16",
  int8: "_int8",
  uint8: "_uint8",
  q8: "_quantized",
  q4: "_q4",
  q4f16: "_q4f16",
  q2: "_q2",
  q2f16: "_q2f16",
  bnb4: "_bnb4",
});

/** Whether a value has the form of a repository's name and not that of a file. */
export function looksLikeHub(value: string): boolean {
  if (value.startsWith(PREFIX)) return true;
  return value.includes("/") && !FILE.test(value) && !value.includes("..") &&
    (MODEL.test(value) || DATASET.test(value));
}

/**
 * Reads a model's name.
 * @throws SdmError when it is not one
 */
export function parseModelName(text: string): HubName {
  const plain = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  if (!MODEL.test(plain) || plain.includes("..")) {
    throw notAName(text, "owner/name or owner/name@revision");
  }
  const at = plain.indexOf("@");
  return at < 0 ? { id: plain } : { id: plain.slice(0, at), revision: plain.slice(at + 1) };
}

/**
 * Reads a dataset's name.
 * @throws SdmError when it is not one
 */
export function parseDatasetName(text: string): DatasetName {
  const plain = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  const groups = DATASET.exec(plain)?.groups;
  if (!groups?.id || groups.id.endsWith("/") || plain.includes("..")) {
    throw notAName(text, "owner/name, owner/name:config or owner/name:config/split");
  }
  const { id, revision, config, split } = groups;
  return { id, revision, config, split };
}

function notAName(text: string, wanted: string): SdmError {
  return new SdmError(
    `Cannot read the hub name "${text}": it has another form, ${wanted} is needed`,
  );
}

/** `owner/name@revision`, or without the revision where there is none. */
export function hubNameText({ id, revision }: HubName): string {
  return revision === undefined ? id : `${id}@${revision}`;
}

/** Folder of a repository in the hub cache: `models--owner--name`. */
export function repoFolder(kind: RepoKind, id: string): string {
  return `${kind}s--${id.replaceAll("/", "--")}`;
}

/** What the path of a file in a hub cache tells. */
export interface HubOrigin {
  /** `owner/name`. */
  id: string;
  /** Commit. */
  revision: string;
  /** Path of the file in the repository. */
  file: string;
}

/** Where a file of a hub cache comes from, by its path; undefined for any other file. */
export function hubOrigin(path: string): HubOrigin | undefined {
  const match =
    /(?:^|[\\/])(?:models|datasets)--([^\\/]+)[\\/]snapshots[\\/]([0-9a-f]{40})[\\/](.+)$/
      .exec(path);
  if (!match) return undefined;
  const [, folder, revision, file] = match;
  return { id: folder.replace("--", "/"), revision, file: file.replaceAll("\\", "/") };
}
