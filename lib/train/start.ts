/**
 * The start of a run: a fresh folder with first weights, or a checkpoint to go on from.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import { geometricMedian, meanRow } from "../blocks/norms/geometric_median.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { estimateScale } from "../data/norm.ts";
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import { sha256File } from "../files/hash.ts";
import type { Gpu } from "../gpu/device.ts";
import { writeRows } from "../gpu/rows.ts";
import type { ModelFamily, ModelOptions, TrainableModel } from "../models/types.ts";
import {
  checkpointPath,
  type CheckpointState,
  checkpointSteps,
  readCheckpointState,
  TENSORS,
} from "./checkpoint.ts";
import { configSha256 } from "./manifest.ts";

/** Rows from which the start of the decoder bias is made, at most (Gao et al.). */
const CENTRE_ROWS = 32768;

/**
 * The factor of the input, measured on the first batches, or one.
 */
export async function measureScale(
  config: ResolvedConfig,
  batches: ShuffledBatches,
): Promise<number> {
  if (config.dictionary.normalize_activations === "none") return 1;
  const [estimate] = await estimateScale(batches, { batchesPerEpoch: batches.batchesPerEpoch });
  return estimate.scale;
}

/** Puts first weights on the device: the same for the same seed and the same data. */
export async function initialise(
  gpu: Gpu,
  model: TrainableModel,
  family: ModelFamily,
  options: ModelOptions,
  context: { config: ResolvedConfig; batches: ShuffledBatches; inputScale: number },
): Promise<void> {
  const bDec = await centre(gpu, options, context);
  const values = family.initial(options, context.config.seed, bDec);
  for (const { name, value } of model.parameters) {
    writeRows(gpu, value, values.get(name) as Float32Array);
  }
}

async function centre(
  gpu: Gpu,
  { rows, dOut }: ModelOptions,
  { config, batches, inputScale }: {
    config: ResolvedConfig;
    batches: ShuffledBatches;
    inputScale: number;
  },
): Promise<Float32Array> {
  const how = config.dictionary.init_b_dec;
  if (how === "zero") return new Float32Array(dOut);
  const fits = Math.floor(gpu.facts.maxBindingBytes / (4 * (dOut + 4)) / 64) * 64;
  const count = Math.max(
    1,
    Math.min(
      batches.batchesPerEpoch,
      Math.floor(Math.min(CENTRE_ROWS, fits) / rows),
    ),
  );
  const data = new Float32Array(count * rows * dOut);
  for (let t = 0; t < count; t++) {
    const batch = (await batches.batch(t)).points[0];
    data.set(batch.map((v) => v * inputScale), t * rows * dOut);
  }
  return how === "mean" ? meanRow(data, dOut) : await geometricMedian(gpu, data, dOut);
}

/** The newest checkpoint of a run, as its state.json tells. */
export async function newestCheckpoint(
  run: string,
  config: ResolvedConfig,
): Promise<CheckpointState> {
  const steps = await checkpointSteps(run);
  if (steps.length === 0) {
    throw new SdmError(
      `Cannot resume "${run}": there is no checkpoint in "${join(run, "checkpoints")}"`,
      { hint: "start again with --overwrite" },
    );
  }
  const state = await readCheckpointState(run, steps[steps.length - 1]);
  if (state.config_sha256 !== configSha256(config)) {
    throw new SdmError(
      `Cannot resume "${run}": its configuration differs from the one given, the same is needed`,
      { hint: `sdm train --resume ${run} takes the run's own config.json` },
    );
  }
  const folder = checkpointPath(run, state.step);
  if (await sha256File(join(folder, TENSORS)) !== state.sha256) {
    throw new SdmError(
      `Cannot resume from "${folder}": ${TENSORS} was changed since it was written, ` +
        "the same bytes are needed",
      { hint: steps.length > 1 ? "delete that folder to go on from the one before" : undefined },
    );
  }
  return state;
}
