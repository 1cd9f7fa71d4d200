/**
 * `sdm.json`: the canonical record's shape and provenance beside weights in a neighbour's format.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { writeJson } from "../files/atomic.ts";
import { readJson } from "../files/documents.ts";
import { sha256 } from "../files/hash.ts";
import { SafetensorsFile } from "../files/safetensors.ts";
import type { Activation, DictionaryRecord, Provenance } from "../models/record.ts";
import type { RowNorm } from "../tensor/row_norm.ts";
import { hasUnitDecoder } from "./gauge.ts";

/** Name of the file. */
export const SIDECAR_FILE = "sdm.json";

/** Where a tensor is and the SHA-256 of its bytes as stored. */
export interface StoredTensor {
  /** File in the same folder. */
  file: string;
  /** Hash in hex. */
  sha256: string;
}

/** The content of `sdm.json`, in the file's own spelling. */
export interface Sidecar {
  /** Always the same. */
  format: "sdm-dict";
  /** Version of the layout. */
  version: 1;
  /** What it reconstructs. */
  kind: DictionaryRecord["kind"];
  /** Width of the input. */
  d: number;
  /** Width of the output. */
  o: number;
  /** Number of latents. */
  F: number;
  /** Activation; `clamp` says that negative values never pass. */
  act: {
    name: DictionaryRecord["activation"]["name"];
    k?: number;
    iterations?: number;
    residual_threshold?: number;
    stop_on_duplicate_support?: boolean;
    clamp: true;
  };
  /** What is subtracted from the input. */
  pre: "b_dec" | "zero";
  /** What scores are multiplied by for selection. */
  gate: "none" | "wdec_norm";
  /** Normalisation at run time, row by row and undone in the output; training scales are folded. */
  norm_in: { mode: "none" | RowNorm };
  /** What was folded into the weights. */
  gauge: { unit_decoder: boolean; input_scale_folded: number };
  /** Where the activations come from: TransformerLens name and ONNX tensor. */
  hooks: {
    in: { tl: string; onnx?: string };
    out?: { tl: string };
    layers_in?: string[];
    layers_out?: string[];
  };
  /** The language model. */
  model: { id?: string; onnx_sha256?: string; tokenizer_sha256?: string };
  /** The text. */
  data: { id?: string; ctx_len?: number };
  /** Start token and rows that training did not see. */
  bos: { prepend?: boolean; dropped_positions?: number[]; dropped_tokens?: number[] };
  /** The training configuration as it was run. */
  train?: unknown;
  /** Tensors as stored. */
  tensors: Record<string, StoredTensor>;
  /** Figures at the end of training. */
  figures?: Record<string, number | null>;
}

/** Writes `sdm.json` for weights that are already in the folder's file `weights`. */
export async function writeSidecar(
  folder: string,
  record: DictionaryRecord,
  provenance: Provenance,
  weights: string,
): Promise<void> {
  const { activation } = record;
  const sidecar: Sidecar = {
    format: "sdm-dict",
    version: 1,
    kind: record.kind,
    d: record.dIn,
    o: record.dOut,
    F: record.dSae,
    act: {
      name: activation.name,
      ...(activation.name === "topk" && { k: activation.k }),
      ...(activation.name === "matching_pursuit" && {
        iterations: activation.iterations,
        residual_threshold: activation.residualThreshold,
        stop_on_duplicate_support: activation.stopOnDuplicateSupport,
      }),
      clamp: true,
    },
    pre: record.subtractBDec ? "b_dec" : "zero",
    gate: record.gateByDecoderNorm ? "wdec_norm" : "none",
    norm_in: { mode: record.rowNorm ?? "none" },
    gauge: {
      unit_decoder: hasUnitDecoder(record),
      input_scale_folded: provenance.inputScaleFolded ?? 1,
    },
    hooks: {
      in: { tl: provenance.hookpoint, onnx: provenance.tensor },
      ...(provenance.hookpointOut !== undefined && { out: { tl: provenance.hookpointOut } }),
      layers_in: provenance.hookpoints,
      layers_out: provenance.hookpointsOut,
    },
    model: {
      id: provenance.modelName,
      onnx_sha256: provenance.modelSha256,
      tokenizer_sha256: provenance.tokenizerSha256,
    },
    data: { id: provenance.data, ctx_len: provenance.contextSize },
    bos: {
      prepend: provenance.prependBos,
      dropped_positions: provenance.droppedPositions,
      dropped_tokens: provenance.droppedTokens,
    },
    train: provenance.config,
    tensors: await hashTensors(folder, weights),
    figures: provenance.figures,
  };
  await writeJson(`${folder}/${SIDECAR_FILE}`, sidecar);
}

async function hashTensors(folder: string, file: string): Promise<Record<string, StoredTensor>> {
  using weights = await SafetensorsFile.open(`${folder}/${file}`);
  const tensors: Record<string, StoredTensor> = {};
  for (const name of weights.names) {
    tensors[name] = { file, sha256: sha256(await weights.read(name)) };
  }
  return tensors;
}

/**
 * Reads `sdm.json` and checks that it is of a version and a shape that this program knows.
 * @throws {SdmError} when it is missing, malformed or newer.
 */
export async function readSidecar(folder: string): Promise<Sidecar> {
  const path = `${folder}/${SIDECAR_FILE}`;
  const value = await readJson(path, "dictionary") as Partial<Sidecar> | null;
  if (value?.format !== "sdm-dict" || value.version !== 1) {
    throw new SdmError(
      `Cannot load "${path}": its format is ${JSON.stringify(value?.format)} version ` +
        `${JSON.stringify(value?.version)}, "sdm-dict" version 1 is needed`,
    );
  }
  const needed = {
    kind: value.kind === "sae" || value.kind === "transcoder",
    d: isCount(value.d),
    o: isCount(value.o),
    F: isCount(value.F),
    act: isAct(value.act),
    pre: value.pre === "b_dec" || value.pre === "zero",
    gate: value.gate === "none" || value.gate === "wdec_norm",
    norm_in: ["none", "token", "layer_norm"].includes(value.norm_in?.mode ?? ""),
    tensors: typeof value.tensors?.W_dec?.file === "string",
  };
  for (const [name, isGood] of Object.entries(needed)) {
    if (isGood) continue;
    const found = JSON.stringify((value as Record<string, unknown>)[name]) ?? "missing";
    throw new SdmError(
      `Cannot load "${path}": field "${name}" is ${
        found.slice(0, 100)
      }, a value of version 1 is needed`,
    );
  }
  return value as Sidecar;
}

function isAct(act: Sidecar["act"] | undefined): boolean {
  if (act?.name === "topk") return isCount(act.k);
  if (act?.name !== "matching_pursuit") return act?.name === "relu" || act?.name === "jumprelu";
  const { iterations, residual_threshold: threshold, stop_on_duplicate_support: stops } = act;
  return isCount(iterations) && typeof threshold === "number" && threshold >= 0 &&
    typeof stops === "boolean";
}

/** The activation that `sdm.json` names; the threshold of a jumprelu is still empty. */
export function actOf({ act }: Sidecar): Activation {
  if (act.name === "topk") return { name: "topk", k: act.k! };
  if (act.name === "jumprelu") return { name: "jumprelu", threshold: new Float32Array(0) };
  if (act.name !== "matching_pursuit") return { name: "relu" };
  return {
    name: "matching_pursuit",
    iterations: act.iterations!,
    residualThreshold: act.residual_threshold!,
    stopOnDuplicateSupport: act.stop_on_duplicate_support!,
    relu: true,
  };
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && value as number > 0;
}

/** What `sdm.json` says about the origin of a dictionary. */
export function provenanceOf(sidecar: Sidecar): Provenance {
  const { hooks, model, data, bos } = sidecar;
  const scale = sidecar.gauge?.input_scale_folded;
  return {
    hookpoint: hooks?.in?.tl ?? "",
    tensor: hooks?.in?.onnx,
    ...(hooks?.out && { hookpointOut: hooks.out.tl }),
    ...(hooks?.layers_in && { hookpoints: hooks.layers_in }),
    ...(hooks?.layers_out && { hookpointsOut: hooks.layers_out }),
    modelName: model?.id,
    modelSha256: model?.onnx_sha256,
    tokenizerSha256: model?.tokenizer_sha256,
    contextSize: data?.ctx_len,
    prependBos: bos?.prepend,
    droppedPositions: bos?.dropped_positions,
    droppedTokens: bos?.dropped_tokens,
    inputScaleFolded: scale,
    data: data?.id,
    config: sidecar.train,
    figures: sidecar.figures,
  };
}

/**
 * Compares the stored bytes of every tensor with the hashes in `sdm.json`.
 * @throws {SdmError} that names the first tensor that differs.
 */
export async function verifyTensors(folder: string, sidecar: Sidecar): Promise<void> {
  for (const file of new Set(Object.values(sidecar.tensors).map((tensor) => tensor.file))) {
    const path = `${folder}/${baseName(file)}`;
    using weights = await SafetensorsFile.open(path);
    for (const [name, stored] of Object.entries(sidecar.tensors)) {
      if (stored.file !== file || sha256(await weights.read(name)) === stored.sha256) continue;
      throw new SdmError(
        `Cannot load weights from "${path}": the bytes of tensor "${name}" are not those that ` +
          `"${folder}/${SIDECAR_FILE}" was written for, the file as it was saved is needed`,
        { hint: `if the weights were changed on purpose, delete ${SIDECAR_FILE}` },
      );
    }
  }
}

/** A sidecar names files of its own folder and no others. */
export function baseName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}
