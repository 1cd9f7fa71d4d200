/**
 * Reading SAELens folders of format 6 and later: `standard`, `topk`, `jumprelu` and `matching_pursuit`.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { exists, readJson } from "../files/documents.ts";
import { foldScales } from "../models/fold.ts";
import type { Activation, DictionaryRecord, Provenance } from "../models/record.ts";
import { foldInputScale, unitDecoderGauge } from "./gauge.ts";
import { CFG_FILE, readWeights, WEIGHTS_FILE } from "./saelens_weights.ts";

/** A dictionary from a SAELens folder. */
export interface SaelensDictionary {
  /** The dictionary; latents are those that SAELens gives. */
  record: DictionaryRecord;
  /** What the metadata says about its origin. */
  provenance: Provenance;
  /** The `metadata` object as it stands in the file. */
  metadata: Record<string, unknown>;
}

/** Members of a JSON object. */
export type Fields = Record<string, unknown>;

/**
 * Reads a folder.
 * @throws {SdmError} in one sentence for other architectures, older formats, run-time normalisation, and weights that
 * do not fit the configuration.
 */
export async function readSaelens(folder: string): Promise<SaelensDictionary> {
  const path = `${folder}/${CFG_FILE}`;
  const cfg = await readSaelensConfig(folder);
  const activation = activationOf(cfg, path);
  const dIn = count(cfg, "d_in", path);
  const dSae = count(cfg, "d_sae", path);
  if (activation.name === "topk" && activation.k > dSae) {
    throw new SdmError(
      `Cannot load "${path}": k is ${activation.k}, at most d_sae ${dSae} is possible`,
    );
  }
  const rowNorm = rowNormOf(cfg);
  const scale = rowNorm ? 1 : await inputScale(cfg, folder);
  const claimed = { source: path, dIn, dSae, activation: activation.name };
  const weights = await readWeights(`${folder}/${WEIGHTS_FILE}`, claimed);
  const { threshold, ...matrices } = weights;
  let record: DictionaryRecord = {
    kind: "sae",
    dIn,
    dOut: dIn,
    dSae,
    ...matrices,
    subtractBDec: cfg.apply_b_dec_to_input !== false,
    ...(rowNorm && { rowNorm }),
    gateByDecoderNorm: activation.name === "topk" && cfg.rescale_acts_by_decoder_norm === true,
    activation: threshold ? { name: "jumprelu", threshold } : activation,
  };
  // SAELens leaves the gated score as the latent's value, which is what unit decoder rows give.
  if (record.gateByDecoderNorm) record = unitDecoderGauge(record);
  if (activation.name === "matching_pursuit") record = asTied(record, scale);
  else if (scale !== 1) record = foldInputScale(record, scale);
  const metadata = asObject(cfg.metadata) ?? {};
  return { record, provenance: provenanceOf(metadata, scale), metadata };
}

/**
 * A pursuit as SAELens runs it: a bias that is not taken from the input is not added to the output either, and an input
 * scale moves the latents with it, because one matrix encodes and decodes.
 */
function asTied(record: DictionaryRecord, scale: number): DictionaryRecord {
  const bDec = record.subtractBDec ? record.bDec : new Float32Array(record.dOut);
  return foldScales({ ...record, bDec }, [scale]);
}

/**
 * `cfg.json` of a folder, refused when SAELens before 6.0 wrote it.
 * @throws {SdmError} when it is missing, not JSON, or of the old flat format.
 */
export async function readSaelensConfig(folder: string): Promise<Fields> {
  const path = `${folder}/${CFG_FILE}`;
  const cfg = asObject(await readJson(path, "SAELens config"));
  if (!cfg) throw new SdmError(`Cannot load "${path}": it is not a JSON object, one is needed`);
  const version = asObject(cfg.metadata)?.sae_lens_version ?? cfg.sae_lens_version;
  if (typeof version !== "string" || !(parseInt(version) >= 6)) {
    throw new SdmError(
      `Cannot load "${path}": it is of SAELens ${
        version ?? "before 6.0"
      }, the format of 6.0 or later is needed`,
      { hint: "open it with a current sae-lens in Python and save it again with save_model" },
    );
  }
  return cfg;
}

/** The activation of a configuration; the threshold of a jumprelu is still empty. */
export function activationOf(cfg: Fields, path: string): Activation {
  const { architecture } = cfg;
  if (architecture === "standard") return { name: "relu" };
  if (architecture === "topk") return { name: "topk", k: count(cfg, "k", path) };
  if (architecture === "jumprelu") return { name: "jumprelu", threshold: new Float32Array(0) };
  if (architecture === "matching_pursuit") return pursuitOf(cfg, path);
  const hint = ["batchtopk", "matryoshka_batchtopk"].includes(String(architecture))
    ? "it is a training checkpoint; the final folder of that run is of architecture jumprelu"
    : undefined;
  throw new SdmError(
    `Cannot load "${path}": its architecture is "${architecture}", ` +
      `standard, topk, jumprelu or matching_pursuit is needed`,
    { hint },
  );
}

/** When the rows of a pursuit stop, with SAELens' values for what is not said. */
function pursuitOf(cfg: Fields, path: string): Activation {
  const { residual_threshold: threshold = 1e-2, stop_on_duplicate_support: stops = true } = cfg;
  if (typeof threshold !== "number" || !(threshold >= 0) || typeof stops !== "boolean") {
    throw new SdmError(
      `Cannot load "${path}": residual_threshold is ${JSON.stringify(threshold)} and ` +
        `stop_on_duplicate_support ${JSON.stringify(stops)}, a number of at least 0 and a flag ` +
        "are needed",
    );
  }
  return {
    name: "matching_pursuit",
    iterations: count(cfg, cfg.max_iterations == null ? "d_in" : "max_iterations", path),
    residualThreshold: threshold,
    stopOnDuplicateSupport: stops,
    relu: true,
  };
}

/** What SAELens does to each row, in our words. */
export function rowNormOf(cfg: Fields): DictionaryRecord["rowNorm"] {
  const mode = cfg.normalize_activations;
  return mode === "constant_norm_rescale" ? "token" : mode === "layer_norm" ? mode : undefined;
}

/** The factor by which inputs are multiplied before the encoder: 1, or what the folder says. */
async function inputScale(cfg: Fields, folder: string): Promise<number> {
  const path = `${folder}/${CFG_FILE}`;
  const mode = cfg.normalize_activations ?? "none";
  if (mode === "none") return 1;
  if (mode !== "expected_average_only_in") {
    throw new SdmError(
      `Cannot load "${path}": normalize_activations is "${mode}", "none", ` +
        '"expected_average_only_in", "constant_norm_rescale" or "layer_norm" is needed',
    );
  }
  const scaler = `${folder}/activation_scaler.json`;
  if (!await exists(scaler)) {
    throw new SdmError(
      `Cannot load "${path}": inputs are scaled by a factor that is not in the folder, ` +
        `"activation_scaler.json" is needed`,
      { hint: "fold the factor in Python with fold_activation_norm_scaling_factor and save again" },
    );
  }
  const factor = asObject(await readJson(scaler))?.scaling_factor;
  if (typeof factor === "number" && factor > 0) return factor;
  throw new SdmError(
    `Cannot load "${scaler}": scaling_factor is ${
      JSON.stringify(factor)
    }, a positive number is needed`,
  );
}

function count(cfg: Fields, name: string, path: string): number {
  const value = cfg[name];
  if (Number.isSafeInteger(value) && value as number > 0) return value as number;
  throw new SdmError(
    `Cannot load "${path}": field "${name}" is ${
      JSON.stringify(value)
    }, a positive whole number is needed`,
  );
}

function asObject(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Fields
    : undefined;
}

function provenanceOf(metadata: Fields, scale: number): Provenance {
  const text = (name: string) => typeof metadata[name] === "string" ? metadata[name] : undefined;
  const size = metadata.context_size;
  const bos = metadata.prepend_bos;
  const slice = metadata.seqpos_slice;
  const firstKept = Array.isArray(slice) && typeof slice[0] === "number" && slice.length > 1
    ? slice[0]
    : 0;
  return {
    hookpoint: text("hook_name") ?? "",
    modelName: text("model_name"),
    data: text("dataset_path"),
    contextSize: typeof size === "number" ? size : undefined,
    prependBos: typeof bos === "boolean" ? bos : undefined,
    droppedPositions: firstKept > 0 ? Array.from({ length: firstKept }, (_, i) => i) : undefined,
    inputScaleFolded: scale === 1 ? undefined : scale,
  };
}
