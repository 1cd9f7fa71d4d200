/**
 * Writing a dictionary as a SAELens folder that `SAE.load_from_disk` opens as it is.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { writeJson } from "../files/atomic.ts";
import { type WritableDtype, writeSafetensors } from "../files/safetensors_write.ts";
import type { DictionaryRecord, Provenance } from "../models/record.ts";
import { unitDecoderGauge } from "./gauge.ts";
import { CFG_FILE, SPARSITY_FILE, WEIGHTS_FILE, weightTensors } from "./saelens_weights.ts";

/** The newest SAELens that our files were tested with; without a version its old converter takes over. */
const SAELENS_VERSION = "6.54.12";

/** Names of SAELens' architectures by activation. */
const ARCHITECTURES: Partial<Record<DictionaryRecord["activation"]["name"], string>> = {
  relu: "standard",
  topk: "topk",
  jumprelu: "jumprelu",
  matching_pursuit: "matching_pursuit",
};

/** Element types on disk, by their names in configurations. */
export const WEIGHTS_DTYPE = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
} as const satisfies Record<
  string,
  WritableDtype
>;

/** What else can go into the folder. */
export interface SaelensExtra {
  /** log10 of the share of tokens on which each latent fires [d_sae]. */
  logDensity?: Float32Array<ArrayBuffer>;
  /** Element type of the weights, default float32. */
  dtype?: "float32" | "float16" | "bfloat16";
}

/**
 * Writes `sae_weights.safetensors`, `sparsity.safetensors` when densities are given, and `cfg.json` last.
 * A record that gates on decoder norms is written with unit decoder rows, which is the same function.
 * @throws {SdmError} for what SAELens has no class for, a value that the type cannot hold, a full disk.
 */
export async function writeSaelens(
  folder: string,
  record: DictionaryRecord,
  provenance: Provenance,
  extra: SaelensExtra = {},
): Promise<void> {
  await writeSaelensWeights(folder, record, extra);
  await writeSaelensConfig(folder, record, provenance, extra);
}

/** The first half of {@link writeSaelens}: everything but `cfg.json`. */
export async function writeSaelensWeights(
  folder: string,
  record: DictionaryRecord,
  extra: SaelensExtra = {},
): Promise<void> {
  if (record.kind !== "sae" || record.dIn !== record.dOut) {
    throw new SdmError(
      `Cannot write SAELens folder "${folder}": the dictionary is a ${record.kind} from ` +
        `${record.dIn} to ${record.dOut}, an sae is needed`,
    );
  }
  const plain = record.gateByDecoderNorm ? unitDecoderGauge(record) : record;
  const dtype = WEIGHTS_DTYPE[extra.dtype ?? "float32"];
  const metadata = { format: "pt" };
  await writeSafetensors(`${folder}/${WEIGHTS_FILE}`, weightTensors(plain, dtype), { metadata });
  if (extra.logDensity) {
    const sparsity = { name: "sparsity", shape: [record.dSae], data: extra.logDensity };
    await writeSafetensors(`${folder}/${SPARSITY_FILE}`, [sparsity], { metadata });
  }
}

/** The second half of {@link writeSaelens}: `cfg.json`, whose presence says that the folder is whole. */
export async function writeSaelensConfig(
  folder: string,
  record: DictionaryRecord,
  provenance: Provenance,
  extra: SaelensExtra = {},
): Promise<void> {
  const { activation } = record;
  const architecture = ARCHITECTURES[activation.name];
  if (!architecture) {
    throw new SdmError(
      `Cannot write SAELens folder "${folder}": it has no class for "${activation.name}"`,
    );
  }
  const isHeads = provenance.hookpoint.endsWith(".hook_z");
  await writeJson(`${folder}/${CFG_FILE}`, {
    architecture,
    d_in: record.dIn,
    d_sae: record.dSae,
    dtype: extra.dtype ?? "float32",
    device: "cpu",
    apply_b_dec_to_input: record.subtractBDec,
    normalize_activations: record.rowNorm ? NORMALIZE[record.rowNorm] : "none",
    reshape_activations: isHeads ? "hook_z" : "none",
    ...(activation.name === "topk" && { k: activation.k, rescale_acts_by_decoder_norm: false }),
    ...(activation.name === "matching_pursuit" && {
      max_iterations: activation.iterations,
      residual_threshold: activation.residualThreshold,
      stop_on_duplicate_support: activation.stopOnDuplicateSupport,
    }),
    metadata: metadataOf(provenance),
  });
}

/** SAELens' names of what is done to each row. */
export const NORMALIZE = { token: "constant_norm_rescale", layer_norm: "layer_norm" } as const;

function metadataOf(provenance: Provenance): Record<string, unknown> {
  const dropped = [...provenance.droppedPositions ?? []].sort((a, b) => a - b);
  const isPrefix = dropped.length > 0 && dropped.every((position, i) => position === i);
  return {
    sae_lens_version: SAELENS_VERSION,
    model_name: provenance.modelName,
    hook_name: provenance.hookpoint,
    hook_head_index: null,
    prepend_bos: provenance.prependBos,
    context_size: provenance.contextSize,
    dataset_path: provenance.data,
    // A slice of positions is all that SAELens can say about rows that training did not see.
    seqpos_slice: isPrefix ? [dropped.length, null] : undefined,
    exclude_special_tokens: provenance.droppedTokens?.length ? provenance.droppedTokens : undefined,
  };
}
