/**
 * The start of a run: a fresh folder with first weights, or a checkpoint to go on from.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import { geometricMedian, meanRow } from "../blocks/norms/geometric_median.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { countedOnly } from "../data/counted.ts";
import { estimateScale } from "../data/norm.ts";
import { rolesOf } from "../data/points.ts";
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import { sha256File } from "../files/hash.ts";
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { writeRows } from "../gpu/rows.ts";
import type {
  InitialValues,
  ModelFamily,
  ModelOptions,
  StartFacts,
  TrainableModel,
} from "../models/types.ts";
import { ownAttention } from "./own_attention.ts";
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
 * The factors of all points, measured on the first batches, or ones.
 */
export async function measureScales(
  config: ResolvedConfig,
  batches: ShuffledBatches,
): Promise<number[]> {
  if (config.dictionary.normalize_activations !== "expected_average_only_in") {
    return batches.points.map(() => 1);
  }
  const { batchesPerEpoch } = batches;
  return (await estimateScale(batches, { batchesPerEpoch })).map(({ scale }) => scale);
}

/**
 * Mean square of an element of the scaled targets about their mean row, on the first batches, for the loss `fixed_fvu`;
 * 1 for all other losses. Sums are in float64 and in the order of the rows.
 */
export async function measureVariance(
  config: ResolvedConfig,
  batches: ShuffledBatches,
  scales: readonly number[],
): Promise<number> {
  if (config.train.loss !== "fixed_fvu") return 1;
  const { batchRows, batchesPerEpoch, points } = batches;
  const count = Math.max(1, Math.min(batchesPerEpoch, Math.floor(CENTRE_ROWS / batchRows)));
  const { targets } = rolesOf(points);
  const read = points.map((_, p) => p).filter((p) =>
    targets.length === 0 || points[p].role === "target"
  );
  const sums = read.map((p) => new Float64Array(points[p].d));
  const squares = read.map(() => 0);
  let rows = 0;
  for (let t = 0; t < count; t++) {
    const batch = countedOnly(await batches.batch(t), points);
    rows += batch.rows;
    read.forEach((p, i) => {
      const values = batch.points[p], d = points[p].d;
      for (let j = 0; j < values.length; j++) {
        const value = values[j] * scales[p];
        sums[i][j % d] += value;
        squares[i] += value * value;
      }
    });
  }
  const variances = read.map((p, i) => {
    const means = sums[i].reduce((sum, value) => sum + (value / rows) ** 2, 0);
    return (squares[i] / rows - means) / points[p].d;
  });
  return Math.max(1e-12, variances.reduce((a, b) => a + b, 0) / variances.length);
}

/** What first weights are made from. */
interface StartContext {
  config: ResolvedConfig;
  batches: ShuffledBatches;
  scales: readonly number[];
}

/**
 * First weights: the same for the same seed and the same data. What the device measures for them is freed again, so that
 * they are best made before the model takes its place there.
 */
export async function firstValues(
  gpu: Gpu,
  family: ModelFamily,
  options: ModelOptions,
  context: StartContext,
): Promise<InitialValues> {
  const facts = await startFacts(gpu, family, options, context);
  return family.initial(options, context.config.seed, facts);
}

/** Puts first weights on the device, and words of the state that have first values. */
export function writeFirst(
  gpu: Gpu,
  { parameters, state }: TrainableModel,
  values: InitialValues,
): void {
  for (const { name, buffer } of state) {
    const first = values.get(name);
    if (first) gpu.device.queue.writeBuffer(buffer, 0, first as Float32Array<ArrayBuffer>);
  }
  for (const { name, value } of parameters) {
    const first = values.get(name);
    if (!first) throw new Error(`Cannot start: "${name}" has no first values`);
    writeRows(gpu, value, first);
  }
}

/** The rows that count of the first batches, scaled: one matrix a point. */
async function readRowsThatCount(
  batches: ShuffledBatches,
  count: number,
  scales: readonly number[],
): Promise<Float32Array[]> {
  const { batchRows, points } = batches;
  const found = points.map(({ d }) => new Float32Array(count * batchRows * d));
  let rows = 0;
  for (let t = 0; t < count; t++) {
    const batch = countedOnly(await batches.batch(t), points);
    batch.points.forEach((values, p) =>
      found[p].set(values.map((v) => v * scales[p]), rows * points[p].d)
    );
    rows += batch.rows;
  }
  return found.map((values, p) => values.subarray(0, rows * points[p].d));
}

/** Rows that first weights are made from: whole batches, at most those of an epoch. */
export function startRows(
  { maxBindingBytes }: DeviceFacts,
  { rows, dIn, dOut, kind }: ModelOptions,
  how: ResolvedConfig["dictionary"]["init_b_dec"],
  batchesPerEpoch: number,
): number {
  const d = Math.max(dIn, dOut);
  const fits = Math.floor(maxBindingBytes / (4 * (d + 4)) / 64) * 64;
  // Where nothing is measured, the first batch does as a sample: a run begins at once.
  const wanted = (how ?? "zero") === "zero" && kind === "sae" ? rows : CENTRE_ROWS;
  const count = Math.min(batchesPerEpoch, Math.floor(Math.min(wanted, fits) / rows));
  return Math.max(1, count) * rows;
}

/** Measures what first weights may depend on, on the first batches. */
async function startFacts(
  gpu: Gpu,
  { needs }: ModelFamily,
  options: ModelOptions,
  { config, batches, scales }: StartContext,
): Promise<StartFacts> {
  const { rows, dIn, dOut, attention } = options;
  const how = config.dictionary.init_b_dec ?? "zero";
  const count = startRows(gpu.facts, options, how, batches.batchesPerEpoch) / rows;
  const points = await readRowsThatCount(batches, count, scales);
  const inputs = needs.target === "same" ? points.length : points.length / 2;
  const targets = needs.target === "same" ? points : points.slice(inputs);
  const centre = (data: Float32Array) => {
    if (how === "zero") return new Float32Array(dOut);
    return how === "mean" ? meanRow(data, dOut) : geometricMedian(gpu, data, dOut);
  };
  const bDec: Float32Array[] = [];
  for (const target of targets) bDec.push(await centre(target));
  return {
    bDec,
    meanInput: points.slice(0, inputs).map((data) => meanRow(data, dIn)),
    sample: points[0],
    scales,
    ...attention?.start && { attention: await ownAttention(config) },
  };
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
