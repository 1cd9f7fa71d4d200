/**
 * The one place where names of the hub become files: a configuration comes in as a person wrote it, and goes out with the
 * model on disk and both names pinned to a commit, so that a run finds the same again.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import type { Config } from "../config/types.ts";
import { exists, readBytes, readJson } from "../files/documents.ts";
import { type FetchedModel, fetchModel, pickOnnx } from "../files/hub_model.ts";
import {
  DTYPE_SUFFIX,
  type HubDtype,
  type HubName,
  hubNameText,
  hubOrigin,
  looksLikeHub,
  parseDatasetName,
  parseModelName,
} from "../files/hub_names.ts";
import { openRepo } from "../files/hub_repo.ts";
import { isCommit } from "../files/hub_cache.ts";
import { type HubContext, hubSettings } from "../files/hub_settings.ts";
import type { WorkHooks } from "./library.ts";

/** The keys that name inputs. */
export interface InputKeys {
  /** The model. */
  model: Pick<Config["model"], "onnx" | "hub" | "dtype" | "tokenizer">;
  /** The dataset. */
  data: Pick<Config["data"], "dataset" | "dataset_config" | "dataset_split">;
}

/**
 * Fetches the model that a configuration names and pins its dataset; all other text is fetched when it is read.
 * @param earlier the inputs of the run that is resumed: names without a revision mean what they meant then
 * @throws SdmError for what the hub refuses or does not know
 */
export async function fetchInputs<T extends InputKeys>(
  config: T,
  hooks: WorkHooks,
  earlier?: InputKeys,
): Promise<T> {
  const model = await fetchModelKeys(config.model, hooks, earlier?.model.hub);
  const data = await pinDataset(config.data, hooks, earlier?.data.dataset);
  return { ...config, model: { ...config.model, ...model }, data: { ...config.data, ...data } };
}

/** {@link fetchInputs} for keys that are not a configuration yet, by their paths. */
export async function fetchPlaced(
  placed: Map<string, unknown>,
  hooks: WorkHooks,
): Promise<Map<string, unknown>> {
  const section = (name: string) =>
    Object.fromEntries(
      [...placed].filter(([path]) => path.startsWith(`${name}.`))
        .map(([path, value]) => [path.slice(name.length + 1), value]),
    );
  const before: InputKeys = { model: section("model"), data: section("data") };
  const after = await fetchInputs(before, hooks);
  const result = new Map(placed);
  for (const [name, keys] of Object.entries(after)) {
    for (const [key, value] of Object.entries(keys)) {
      if (value !== undefined) result.set(`${name}.${key}`, value);
    }
  }
  return result;
}

/** The inputs that a run wrote down; undefined when there is no run yet. */
export async function runInputs(path: string): Promise<InputKeys | undefined> {
  const file = join(path, "config.json");
  if (!await exists(file)) return undefined;
  const { model = {}, data = {} } = await readJson(file, "config") as Partial<InputKeys>;
  return { model, data };
}

/** The file that a model on the command line means: a path, a folder, or a name of the hub. */
export async function fetchModelFile(
  model: string,
  dtype: HubDtype | undefined,
  hooks: WorkHooks,
): Promise<string> {
  const onnx = await fetchModelKeys({ onnx: model, dtype }, hooks);
  return onnx.onnx ?? model;
}

/** Fetches; what fails may have been meant as a path, which is then said too. */
async function orHere<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SdmError) || error.exitCode !== 2 || name.startsWith("hf:")) throw error;
    const path = name.replace(/@.*$/s, "");
    if (await exists(path)) throw error;
    const here = `and there is no file or folder "${path}" here`;
    const hint = error.hint ? `${error.hint}; ${here}` : here;
    throw new SdmError(error.message, { hint, cause: error });
  }
}

async function hubContext({ onProgress, signal }: WorkHooks): Promise<HubContext> {
  return { settings: await hubSettings(), onProgress, signal };
}

async function fetchModelKeys(
  { onnx, hub, dtype, tokenizer }: InputKeys["model"],
  hooks: WorkHooks,
  earlier?: string,
): Promise<InputKeys["model"]> {
  if (onnx === undefined && hub === undefined) return {};
  const kind = onnx === undefined ? undefined : await kindOf(onnx);
  if (onnx !== undefined && kind === "folder") return await inFolder(onnx, dtype, tokenizer);
  if (onnx !== undefined && kind === "file" && (hub === undefined || isDtype(onnx, dtype))) {
    return { onnx, tokenizer: await nearestTokenizer(onnx, tokenizer) };
  }
  const name = hub ?? (looksLikeHub(onnx!) ? onnx : undefined);
  if (name === undefined) return {};
  const wanted = pinned(parseModelName(name), earlier && parseModelName(earlier));
  const context = await hubContext(hooks);
  const fetched = await orHere(name, () => fetchModel(context, wanted, dtype, weightFiles));
  return {
    onnx: fetched.onnx,
    hub: hubNameText(fetched.name),
    tokenizer: ownTokenizer(tokenizer, fetched),
  };
}

/** Bytes up to which an ONNX file is searched for the names of others; one with its weights in it is larger. */
const MOST_OF_A_GRAPH = 64 * 2 ** 20;

/** The files that an ONNX file keeps weights in. */
async function weightFiles(onnx: string): Promise<string[]> {
  if ((await Deno.stat(onnx)).size > MOST_OF_A_GRAPH) return [];
  const { readModel } = await import("../onnx/read.ts");
  const { initializers } = readModel(await readBytes(onnx, "model"), onnx, onnx);
  const found = [...initializers.values()].flatMap(({ external }) =>
    external ? [external.location.replace(/^\.\//, "")] : []
  );
  return [...new Set(found)];
}

/** A tokenizer that was told stays, unless it is that of a cache on another machine. */
function ownTokenizer(told: string | undefined, fetched: FetchedModel): string | undefined {
  return told === undefined || hubOrigin(told) !== undefined ? fetched.tokenizer ?? told : told;
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  return await Deno.stat(path).then((i) => i.isDirectory ? "folder" : "file", () => undefined);
}

/** Whether a file's name says this precision; one that says none is fp32. */
function isDtype(onnx: string, dtype: HubDtype | undefined): boolean {
  if (dtype === undefined) return true;
  const named = Object.values(DTYPE_SUFFIX).find((suffix) =>
    suffix !== "" && onnx.endsWith(`${suffix}.onnx`)
  );
  return (named ?? "") === DTYPE_SUFFIX[dtype];
}

/** A folder as a clone of a repository has it: `onnx/` below, the tokenizer beside `onnx/`. */
async function inFolder(
  folder: string,
  dtype: HubDtype | undefined,
  tokenizer: string | undefined,
): Promise<InputKeys["model"]> {
  const paths: string[] = [];
  for (const prefix of ["", "onnx/"]) {
    const entries = await Array.fromAsync(Deno.readDir(join(folder, prefix))).catch(() => []);
    paths.push(...entries.filter((e) => !e.isDirectory).map((e) => prefix + e.name));
  }
  const onnx = join(folder, pickOnnx(paths.sort(), `the model folder "${folder}"`, dtype));
  return { onnx, tokenizer: await nearestTokenizer(onnx, tokenizer) };
}

/** The tokenizer that was told, or beside the model, or a folder above it. */
async function nearestTokenizer(onnx: string, told: string | undefined): Promise<string> {
  const beside = onnx.replace(/[^\\/]*$/, "tokenizer.json");
  if (told !== undefined && told !== beside) return told;
  const above = onnx.replace(/[^\\/]*[\\/][^\\/]*$/, "tokenizer.json");
  return !await exists(beside) && await exists(above) ? above : beside;
}

/** A name without a revision means what it meant before. */
function pinned(name: HubName, earlier: HubName | undefined | ""): HubName {
  return name.revision === undefined && earlier && earlier.id === name.id
    ? { ...name, revision: earlier.revision }
    : name;
}

async function pinDataset(
  { dataset, dataset_config, dataset_split }: InputKeys["data"],
  hooks: WorkHooks,
  earlier?: string,
): Promise<InputKeys["data"]> {
  if (dataset === undefined) return {};
  const name = parseDatasetName(dataset);
  const known = pinned(name, earlier && parseDatasetName(earlier));
  const context = await hubContext(hooks);
  const revision = isCommit(known.revision)
    ? known.revision
    : (await orHere(dataset, () => openRepo(context, "dataset", known))).commit;
  return {
    dataset: hubNameText({ id: name.id, revision }),
    dataset_config: dataset_config ?? name.config,
    dataset_split: dataset_split ?? name.split,
  };
}
