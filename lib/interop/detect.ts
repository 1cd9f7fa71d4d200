/**
 * Opening a folder with a dictionary in it, whichever format it is of; decided by content, never by name.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { exists } from "../files/documents.ts";
import type { Activation, DictionaryRecord, Provenance, TrainedRecord } from "../models/record.ts";
import {
  actOf,
  baseName,
  provenanceOf,
  readSidecar,
  SIDECAR_FILE,
  verifyTensors,
} from "./native.ts";
import type { Sidecar } from "./native.ts";
import { isRecord, readRecord } from "./record_file.ts";
import { activationOf, readSaelens, readSaelensConfig, rowNormOf } from "./saelens_read.ts";
import { CFG_FILE, readWeights, WEIGHTS_FILE } from "./saelens_weights.ts";

/** A dictionary with its origin. */
export interface OpenedDictionary {
  /** Folder that holds it: the one asked for, or its `final`. */
  folder: string;
  /** Name of the format. */
  format: "sdm" | "saelens";
  /** The dictionary. */
  record: TrainedRecord;
  /** Where it comes from. */
  provenance: Provenance;
}

/**
 * Opens a dictionary folder, or the `final` folder of a run.
 * @throws {SdmError} when it holds none, when `sdm.json` and `cfg.json` disagree, or when the weights are damaged.
 */
export async function openDictionary(folder: string): Promise<OpenedDictionary> {
  const path = folder.replace(/(?<=.)\/+$/, "");
  const has = (name: string) => exists(`${path}/${name}`);
  if (await has(SIDECAR_FILE)) {
    if (!await isRecord(path)) return await openNative(path);
    return { folder: path, format: "sdm", ...await readRecord(path) };
  }
  if (await has(CFG_FILE) && await has(WEIGHTS_FILE)) {
    const { record, provenance } = await readSaelens(path);
    return { folder: path, format: "saelens", record, provenance };
  }
  if (await has("final")) return await openDictionary(`${path}/final`);
  throw await nothingThere(path);
}

async function openNative(folder: string): Promise<OpenedDictionary> {
  const sidecar = await readSidecar(folder);
  if (await exists(`${folder}/${CFG_FILE}`)) await checkAgreement(folder, sidecar);
  await verifyTensors(folder, sidecar);
  if (sidecar.kind !== "sae" || sidecar.d !== sidecar.o) {
    throw new SdmError(
      `Cannot load "${folder}/${SIDECAR_FILE}": it is a ${sidecar.kind} from ${sidecar.d} to ` +
        `${sidecar.o}, an sae is needed`,
    );
  }
  const { threshold, ...matrices } = await readWeights(
    `${folder}/${baseName(sidecar.tensors.W_dec.file)}`,
    {
      source: `${folder}/${SIDECAR_FILE}`,
      dIn: sidecar.d,
      dSae: sidecar.F,
      activation: sidecar.act.name,
    },
  );
  const activation: Activation = threshold ? { name: "jumprelu", threshold } : actOf(sidecar);
  const mode = sidecar.norm_in?.mode ?? "none";
  const rowNorm = mode === "none" ? undefined : mode;
  const record: DictionaryRecord = {
    kind: sidecar.kind,
    dIn: sidecar.d,
    dOut: sidecar.o,
    dSae: sidecar.F,
    ...matrices,
    subtractBDec: sidecar.pre === "b_dec",
    gateByDecoderNorm: sidecar.gate === "wdec_norm",
    ...(rowNorm && { rowNorm }),
    activation,
  };
  return { folder, format: "sdm", record, provenance: provenanceOf(sidecar) };
}

/** `sdm.json` wins over `cfg.json`, but not where one of them must be wrong. */
async function checkAgreement(folder: string, sidecar: Sidecar): Promise<void> {
  const cfg = await readSaelensConfig(folder);
  const act = activationOf(cfg, `${folder}/${CFG_FILE}`);
  const pairs: [string, unknown, unknown][] = [
    ["d_in", sidecar.d, cfg.d_in],
    ["d_sae", sidecar.F, cfg.d_sae],
    ["activation", sidecar.act.name, act.name],
    ["k", sidecar.act.k, act.name === "topk" ? act.k : undefined],
    ["stopping rule", stopsOf(actOf(sidecar)), stopsOf(act)],
    ["subtraction of b_dec", sidecar.pre === "b_dec", cfg.apply_b_dec_to_input !== false],
    ["normalisation", sidecar.norm_in?.mode ?? "none", rowNormOf(cfg) ?? "none"],
    ["gate", sidecar.gate === "wdec_norm", cfg.rescale_acts_by_decoder_norm === true],
  ];
  for (const [what, ours, theirs] of pairs) {
    if (ours === theirs) continue;
    throw new SdmError(
      `Cannot open dictionary "${folder}": ${what} is ${ours} in ${SIDECAR_FILE} and ${theirs} in ` +
        `${CFG_FILE}, the two must agree`,
      { hint: `delete the one that is wrong` },
    );
  }
}

/** In words, when the rows of a pursuit stop. */
function stopsOf(activation: Activation): string {
  if (activation.name !== "matching_pursuit") return "none";
  const { iterations, residualThreshold, stopOnDuplicateSupport } = activation;
  return `${iterations} picks, length ${residualThreshold}, repeats ${stopOnDuplicateSupport}`;
}

async function nothingThere(folder: string): Promise<SdmError> {
  const start = `Cannot open dictionary "${folder}"`;
  const needed = `${SIDECAR_FILE}, or ${CFG_FILE} with ${WEIGHTS_FILE}, is needed`;
  if (!await exists(folder)) {
    return new SdmError(`${start}: it does not exist, a folder with ${needed}`);
  }
  try {
    const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name).sort();
    const found = names.length === 0
      ? "nothing"
      : names.slice(0, 8).map((n) => `"${n}"`).join(", ");
    return new SdmError(`${start}: it holds ${found}, ${needed}`);
  } catch (cause) {
    return new SdmError(`${start}: it is not a folder, a folder with ${needed}`, { cause });
  }
}
