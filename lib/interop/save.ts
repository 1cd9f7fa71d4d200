/**
 * Saving a trained dictionary: a SAELens folder with `sdm.json` beside it where SAELens has a class for it, else the
 * program's own layout; whole or not at all.
 * @module
 */
import { writeFolderAtomic } from "../files/atomic.ts";
import type { DictionaryRecord, Provenance, TrainedRecord } from "../models/record.ts";
import { hasUnitDecoder, unitDecoderGauge } from "./gauge.ts";
import { writeSidecar } from "./native.ts";
import { writeRecord } from "./record_file.ts";
import { type SaelensExtra, writeSaelensConfig, writeSaelensWeights } from "./saelens_write.ts";
import { WEIGHTS_FILE } from "./saelens_weights.ts";

/** Whether SAELens has a class for a record. */
function fitsSaelens(record: TrainedRecord): record is DictionaryRecord {
  return record.kind === "sae" && record.dIn === record.dOut && !record.wSkip && !record.prefixes &&
    (["relu", "topk", "jumprelu"].includes(record.activation.name) || fitsPursuit(record));
}

/** Whether SAELens pursues alike: it picks positive scores, and has no bias at the output alone. */
function fitsPursuit({ activation, subtractBDec, bDec }: DictionaryRecord): boolean {
  return activation.name === "matching_pursuit" && activation.relu &&
    (subtractBDec || bDec.every((v) => v === 0));
}

/**
 * The form in which a dictionary leaves the program: no gate, and unit decoder rows where that is the same function
 * (always but for plain topk and pursuits, where other latents would win). Latents of a rescaled record are their old values
 * times the norm of the old decoder row.
 */
export function exportForm(record: DictionaryRecord): DictionaryRecord {
  if (record.gateByDecoderNorm) return unitDecoderGauge(record);
  const competes = ["topk", "matching_pursuit"].includes(record.activation.name);
  if (competes || hasUnitDecoder(record)) return record;
  return unitDecoderGauge(record);
}

/**
 * Writes the folder under a temporary name and renames it; `openDictionary` and `SAE.load_from_disk` read it.
 * @returns the record as written, see {@link exportForm}.
 * @throws {SdmError} for a full disk, a value that the type cannot hold.
 */
export async function saveDictionary(
  folder: string,
  record: TrainedRecord,
  provenance: Provenance,
  extra: SaelensExtra = {},
): Promise<TrainedRecord> {
  if (!fitsSaelens(record)) {
    await writeFolderAtomic(folder, (partial) => writeRecord(partial, record, provenance));
    return record;
  }
  const written = exportForm(record);
  await writeFolderAtomic(folder, async (partial) => {
    await writeSaelensWeights(partial, written, extra);
    await writeSidecar(partial, written, provenance, WEIGHTS_FILE);
    await writeSaelensConfig(partial, written, provenance, extra);
  });
  return written;
}
