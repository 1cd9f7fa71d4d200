/**
 * The tensors of a SAELens folder: which an architecture has, their shapes, and their way to and from rows by latent.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { SafetensorsFile } from "../files/safetensors.ts";
import type { MemoryTensor, WritableDtype } from "../files/safetensors_write.ts";
import type { Activation, DictionaryRecord } from "../models/record.ts";
import { transpose } from "./gauge.ts";

/** Name of the configuration. */
export const CFG_FILE = "cfg.json";
/** Name of the parameters. */
export const WEIGHTS_FILE = "sae_weights.safetensors";
/** Name of the optional log10 of firing frequencies. */
export const SPARSITY_FILE = "sparsity.safetensors";

/** Sizes that a configuration claims, and who claims them. */
export interface ClaimedShape {
  /** File that claims, for errors. */
  source: string;
  /** Width of the input. */
  dIn: number;
  /** Number of latents. */
  dSae: number;
  /** The activation; only its name matters here. */
  activation: Activation["name"];
}

/** Whether an activation has no encoder of its own: the decoder's rows are the encoder's. */
function isTied(activation: Activation["name"]): boolean {
  return activation === "matching_pursuit";
}

/** The tensors as SAELens stores them: W_enc is [d_in, d_sae]. */
export function weightTensors(record: DictionaryRecord, dtype: WritableDtype): MemoryTensor[] {
  const { dIn, dOut, dSae, activation } = record;
  const decoder: MemoryTensor[] = [
    { name: "W_dec", shape: [dSae, dOut], data: owned(record.wDec), dtype },
    { name: "b_dec", shape: [dOut], data: owned(record.bDec), dtype },
  ];
  if (isTied(activation.name)) return decoder;
  const tensors: MemoryTensor[] = [
    { name: "W_enc", shape: [dIn, dSae], data: transpose(record.wEnc, dSae, dIn), dtype },
    { name: "b_enc", shape: [dSae], data: owned(record.bEnc), dtype },
    ...decoder,
  ];
  if (activation.name === "jumprelu") {
    tensors.push({ name: "threshold", shape: [dSae], data: owned(activation.threshold), dtype });
  }
  return tensors;
}

function owned(values: Float32Array): Float32Array<ArrayBuffer> {
  return values.buffer instanceof ArrayBuffer
    ? values as Float32Array<ArrayBuffer>
    : new Float32Array(values);
}

/** The tensors of a file as float32 with rows by latent. */
export type Weights = Pick<DictionaryRecord, "wEnc" | "bEnc" | "wDec" | "bDec"> & {
  /** Present for jumprelu. */
  threshold?: Float32Array;
};

/**
 * Reads exactly the tensors that the activation needs.
 * @throws {SdmError} when one is missing, too many are there, a shape is not what the configuration claims, or a
 * value is not finite.
 */
export async function readWeights(path: string, claimed: ClaimedShape): Promise<Weights> {
  using file = await SafetensorsFile.open(path);
  const { dIn, dSae } = claimed;
  const shapes: Record<string, number[]> = {
    ...(isTied(claimed.activation) ? {} : { W_enc: [dIn, dSae] }),
    W_dec: [dSae, dIn],
    ...(isTied(claimed.activation) ? {} : { b_enc: [dSae] }),
    b_dec: [dIn],
    ...(claimed.activation === "jumprelu" ? { threshold: [dSae] } : {}),
  };
  const wanted = Object.keys(shapes);
  const extra = file.names.filter((name) => !wanted.includes(name));
  const missing = wanted.filter((name) => !file.has(name));
  if (missing.length > 0 || extra.length > 0) {
    const found = missing.length > 0
      ? `it lacks ${missing.join(", ")}`
      : `it has ${extra.join(", ")}`;
    throw new SdmError(
      `Cannot load weights from "${path}": ${found}, exactly ${wanted.join(", ")} are needed ` +
        `for ${claimed.activation}`,
    );
  }
  const values: Record<string, Float32Array> = {};
  for (const name of wanted) {
    checkShape(name, file.info(name).shape, shapes[name], claimed, path);
    values[name] = await file.readFloat32(name);
    // An infinite threshold is a latent that never fires.
    const isBad = (v: number) => !Number.isFinite(v) && !(name === "threshold" && v === Infinity);
    const at = values[name].findIndex(isBad);
    if (at >= 0) {
      throw new SdmError(
        `Cannot load weights from "${path}": element ${at} of "${name}" is ${values[name][at]}, ` +
          "finite numbers are needed",
      );
    }
  }
  return {
    wEnc: values.W_enc ? transpose(values.W_enc, dIn, dSae) : values.W_dec,
    wDec: values.W_dec,
    bEnc: values.b_enc ?? new Float32Array(dSae),
    bDec: values.b_dec,
    threshold: values.threshold,
  };
}

function checkShape(
  name: string,
  found: readonly number[],
  needed: readonly number[],
  { source, dIn, dSae }: ClaimedShape,
  path: string,
): void {
  if (found.length === needed.length && found.every((n, i) => n === needed[i])) return;
  throw new SdmError(
    `Cannot load weights from "${path}": tensor "${name}" has shape [${found.join(", ")}], ` +
      `[${needed.join(", ")}] is needed by d_in ${dIn} and d_sae ${dSae} of "${source}"`,
  );
}
