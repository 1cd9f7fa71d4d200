/**
 * A language model on the hub: which of its ONNX files is meant, and that file with all that belongs to it on disk.
 * @module
 */
import { didYouMean } from "../base/nearest.ts";
import { SdmError } from "../base/errors.ts";
import { cachedFile, fetchFile } from "./hub_download.ts";
import { DTYPE_SUFFIX, type HubDtype, type HubName, hubNameText } from "./hub_names.ts";
import { openRepo, similarNames } from "./hub_repo.ts";
import type { HubContext } from "./hub_settings.ts";
import type { HubFile, HubRepo } from "./hub_types.ts";

/** What a tokenizer and a model's card need beside the ONNX file. */
const BESIDE = [
  "config.json",
  "generation_config.json",
  "special_tokens_map.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

/** A fetched model. */
export interface FetchedModel {
  /** ONNX file. */
  onnx: string;
  /** tokenizer.json, where the repository has one. */
  tokenizer?: string;
  /** The name with the commit. */
  name: Required<HubName>;
}

/** Precisions of the ONNX files among `paths`, by the file that each means. */
function dtypesOf(paths: readonly string[]): Map<HubDtype, string> {
  const found = new Map<HubDtype, string>();
  for (const [dtype, suffix] of Object.entries(DTYPE_SUFFIX) as [HubDtype, string][]) {
    // Decoders of older exports are one merged file; the newer layout comes first.
    const names = ["onnx/model", "model", "onnx/decoder_model", "decoder_model"]
      .concat("onnx/decoder_model_merged", "decoder_model_merged")
      .map((stem) => `${stem}${suffix}.onnx`);
    const path = names.find((name) => paths.includes(name));
    if (path !== undefined) found.set(dtype, path);
  }
  return found;
}

/**
 * The ONNX file of a precision among the files of a repository or folder.
 * @param what what holds them, for errors
 * @param dtype fp32 when left out; a repository with a single ONNX file needs none
 * @throws SdmError when there is none
 */
export function pickOnnx(paths: readonly string[], what: string, dtype?: HubDtype): string {
  const found = dtypesOf(paths);
  const path = found.get(dtype ?? "fp32");
  if (path !== undefined) return path;
  const all = paths.filter((path) => path.endsWith(".onnx"));
  if (dtype === undefined && all.length === 1) return all[0];
  if (found.size > 0) {
    const known = [...found.keys()].join(", ");
    throw new SdmError(`Cannot open ${what}: it has no ${dtype ?? "fp32"} file, one is needed`, {
      hint: `--dtype takes one of those that it has: ${known}`,
    });
  }
  throw new SdmError(
    all.length > 0
      ? `Cannot open ${what}: which of its ${all.length} ONNX files is meant is not clear, ` +
        "onnx/model.onnx is needed"
      : `Cannot open ${what}: it holds no ONNX file, onnx/model.onnx is needed`,
    { hint: all.length > 0 ? `it has ${all.slice(0, 6).join(", ")}` : undefined },
  );
}

/** The ONNX file with its external data: `model.onnx_data`, `model.onnx_data_1`, …, or `.data` behind its name. */
function withExternalData(files: readonly HubFile[], onnx: string): HubFile[] {
  const own = files.filter(({ path }) =>
    path.startsWith(onnx) && /^([._]data(_\d+)?)?$/.test(path.slice(onnx.length))
  );
  const isMain = ({ path }: HubFile) => Number(path === onnx);
  // The small graph comes last: where it is, the rest is too.
  return own.sort((a, b) => isMain(a) - isMain(b));
}

/**
 * Fetches a model: its ONNX file with external data, tokenizer and configuration.
 * @param locationsOf the files that an ONNX file keeps its weights in, relative to its folder; exporters need not keep to
 * the usual names
 * @throws SdmError when the hub refuses, or the repository holds no such file
 */
export async function fetchModel(
  context: HubContext,
  name: HubName,
  dtype?: HubDtype,
  locationsOf: (onnx: string) => Promise<readonly string[]> = () => Promise.resolve([]),
): Promise<FetchedModel> {
  const repo = await openRepo(context, "model", name);
  const files = await repo.files("");
  const onnx = await pickFrom(context, repo, files, name, dtype);
  const beside = files.filter(({ path }) => BESIDE.includes(path));
  let main = "";
  for (const file of [...beside, ...withExternalData(files, onnx)]) {
    if (context.settings.offline && file.path !== onnx) {
      // A listing of a whole repository names more than an earlier run had to fetch.
      if (BESIDE.includes(file.path) && !await cachedFile(context, repo, file)) continue;
    }
    main = await fetchFile(context, repo, file);
  }
  const folder = onnx.slice(0, onnx.lastIndexOf("/") + 1);
  for (const location of await locationsOf(main)) {
    const file = files.find(({ path }) => path === folder + location);
    if (file) await fetchFile(context, repo, file);
  }
  const root = main.slice(0, main.length - onnx.length);
  const hasTokenizer = beside.some(({ path }) => path === "tokenizer.json");
  return {
    onnx: main,
    tokenizer: hasTokenizer ? `${root}tokenizer.json` : undefined,
    name: { id: repo.id, revision: repo.commit },
  };
}

async function pickFrom(
  context: HubContext,
  repo: HubRepo,
  files: readonly HubFile[],
  name: HubName,
  dtype: HubDtype | undefined,
): Promise<string> {
  const what = `model "${hubNameText(name)}"`;
  const paths = files.map(({ path }) => path);
  if (paths.some((path) => path.endsWith(".onnx"))) return pickOnnx(paths, what, dtype);
  const own = repo.id.slice(repo.id.indexOf("/") + 1);
  const others = context.settings.offline
    ? []
    : await similarNames(context, "model", own, "onnx-community");
  throw new SdmError(`Cannot open ${what}: it holds no ONNX file, onnx/model.onnx is needed`, {
    hint: didYouMean(`onnx-community/${own}-ONNX`, others) ||
      "onnx-community and Xenova have exports of many models; optimum-cli export onnx makes one",
  });
}
