/**
 * The end of a run: the trained values as a dictionary that takes activations as the model gives them.
 * @module
 */
import { join } from "node:path";
import type { ResolvedConfig } from "../config/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { submit } from "../gpu/program.ts";
import { readFloats } from "../gpu/readback.ts";
import { readRows } from "../gpu/rows.ts";
import { saveDictionary } from "../interop/save.ts";
import { calibrated } from "../models/calibrate.ts";
import { foldScales } from "../models/fold.ts";
import type { TrainedRecord } from "../models/record.ts";
import { withRowNorm } from "../models/row_normalised.ts";
import type { ModelFamily, ModelOptions, TrainableModel } from "../models/types.ts";
import { calibrationRows, needsThresholds } from "./calibration_rows.ts";
import { freeTraining } from "./free_training.ts";
import type { TrainInputs } from "./inputs.ts";
import type { LoopEnd, StepFigures } from "./loop.ts";
import type { RunManifest } from "./manifest.ts";

/** A run that has ended. */
export interface EndedRun {
  /** Its folder. */
  path: string;
  /** Its numbers. */
  config: ResolvedConfig;
  /** The device. */
  gpu: Gpu;
  /** Its data, from which thresholds are measured. */
  inputs: Pick<TrainInputs, "batches">;
  /** The family. */
  family: ModelFamily;
  /** What the model was built from. */
  options: ModelOptions;
  /** The model; gradients and moments are freed. */
  model: TrainableModel;
  /** Factors of the points, and where activations come from. */
  manifest: Pick<RunManifest, "input_scales" | "provenance">;
}

/** What was trained, in the host's memory. */
export async function readTrained(
  { gpu, family, options, model }: EndedRun,
): Promise<TrainedRecord> {
  const values = new Map<string, Float32Array>();
  submit(gpu, model.exported.begin());
  for (const { name, value } of model.parameters) values.set(name, await readRows(gpu, value));
  submit(gpu, model.exported.end());
  const words = new Map<string, Float32Array>();
  for (const { name, buffer, words: n } of model.state) {
    words.set(name, await readFloats(gpu, buffer, n));
  }
  return family.record(options, values, words);
}

/**
 * Writes `final/`: the input scale is folded in, so that it takes activations as the model gives them. No step may follow.
 */
export async function writeFinal(
  run: EndedRun,
  trained: TrainedRecord,
  end: Pick<LoopEnd, "step">,
  figures: StepFigures,
): Promise<void> {
  const { path, config, gpu, model, manifest } = run;
  freeTraining(gpu, model);
  const { points, mask } = needsThresholds(trained)
    ? await calibrationRows(run.inputs.batches, manifest.input_scales, end.step)
    : { points: [] };
  const finished = await calibrated(gpu, trained, points, mask);
  const folded = foldScales(finished, manifest.input_scales);
  const record = withRowNorm(folded, config.dictionary.normalize_activations);
  await saveDictionary(join(path, "final"), record, {
    ...manifest.provenance,
    inputScaleFolded: manifest.input_scales[0],
    config,
    figures: {
      step: end.step,
      tokens: end.step * config.train.batch_tokens,
      l0: figures["sparsity/l0"] ?? null,
      train_fvu: figures["recon/fvu"] ?? null,
      train_dead_frac: figures["sparsity/dead_frac"] ?? null,
    },
  }, {});
}
