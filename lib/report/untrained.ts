/**
 * The dictionary of a run as it was before its first step, as a baseline.
 * @module
 */
import type { ResolvedConfig } from "../config/types.ts";
import type { OpenedDictionary } from "../interop/detect.ts";
import { familyOf } from "../models/mod.ts";
import type { TrainedRecord } from "../models/record.ts";
import { modelOptions, type StartFacts } from "../models/types.ts";
import { modelOptionsOf } from "../train/plan.ts";

/** Keys of a configuration that training has resolved. */
function isResolved(config: unknown): config is ResolvedConfig {
  const given = config as Partial<ResolvedConfig> | undefined;
  return typeof given?.dictionary?.d_sae === "number" && typeof given.optimizer?.lr === "number";
}

/**
 * Makes the same family with its first weights: from the configuration that the dictionary carries, or, where it came
 * from elsewhere, for a plain TopK autoencoder. A threshold that training has yet to find is replaced by its k.
 */
export function untrainedRecord(
  { record, provenance: { config } }: OpenedDictionary,
): ((facts: StartFacts) => TrainedRecord) | undefined {
  if (!isResolved(config)) {
    if (record.kind !== "sae" || record.activation.name !== "topk") return undefined;
    const { dIn, dSae, activation: { k } } = record;
    const family = familyOf("topk");
    const options = modelOptions({ rows: 1, dIn, dSae, k });
    return (facts) => family.record(options, family.initial(options, 1, facts));
  }
  const family = familyOf(config.dictionary.type);
  const options = modelOptionsOf(config);
  return (facts) => {
    const first = family.record(options, family.initial(options, config.seed, facts));
    if (first.activation.name !== "batchtopk") return first;
    return { ...first, activation: { name: "topk", k: Math.round(first.activation.k) } };
  };
}
