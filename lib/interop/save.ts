/**
 * Saving a trained dictionary: a SAELens folder with `sdm.json` beside it, whole or not at all.
 * @module
 */
import { writeFolderAtomic } from "../files/atomic.ts";
import type { DictionaryRecord, Provenance } from "../models/record.ts";
import { hasUnitDecoder, unitDecoderGauge } from "./gauge.ts";
import { writeSidecar } from "./native.ts";
import { type SaelensExtra, writeSaelensConfig, writeSaelensWeights } from "./saelens_write.ts";
import { WEIGHTS_FILE } from "./saelens_weights.ts";

/**
 * The form in which a dictionary leaves the program: no gate, and unit decoder rows where that is the same function
 * (always but for plain topk, where other latents would win). Latents of a rescaled record are their old values
 * times the norm of the old decoder row.
 */
export function exportForm(record: DictionaryRecord): DictionaryRecord {
  if (record.gateByDecoderNorm) return unitDecoderGauge(record);
  if (record.activation.name === "topk" || hasUnitDecoder(record)) return record;
  return unitDecoderGauge(record);
}

/**
 * Writes the folder under a temporary name and renames it; `openDictionary` and `SAE.load_from_disk` read it.
 * @returns the record as written, see {@link exportForm}.
 * @throws {SdmError} for a full disk, a value that the type cannot hold, a kind that SAELens does not have.
 */
export async function saveDictionary(
  folder: string,
  record: DictionaryRecord,
  provenance: Provenance,
  extra: SaelensExtra = {},
): Promise<DictionaryRecord> {
  const written = exportForm(record);
  await writeFolderAtomic(folder, async (partial) => {
    await writeSaelensWeights(partial, written, extra);
    await writeSidecar(partial, written, provenance, WEIGHTS_FILE);
    await writeSaelensConfig(partial, written, provenance, extra);
  });
  return written;
}
