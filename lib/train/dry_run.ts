/**
 * A run on a device that only counts: the model is built and its phases are gone through by the same functions as in
 * training, so that a plan cannot differ from what training allocates.
 * @module
 */
import { geometricMedian } from "../blocks/norms/geometric_median.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { createBuffer, destroyBuffer, freeable } from "../gpu/device.ts";
import { type DryGpu, dryGpu } from "../gpu/dry.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { createRows, readBytes, type Rows } from "../gpu/rows.ts";
import { loadAbove } from "../models/calibrate.ts";
import { familyOf } from "../models/mod.ts";
import type { ModelFamily, ModelOptions, TrainableModel } from "../models/types.ts";
import { calibrationBatches, needsThresholds } from "./calibration_rows.ts";
import type { Amount, GpuForecast, Phase, SplitTensor } from "./forecast_types.ts";
import type { DeviceBlocks } from "./inputs.ts";
import { freeTraining } from "./free_training.ts";
import { ringReads } from "./loop.ts";
import { modelOptionsOf } from "./plan.ts";
import { startRows } from "./start.ts";

/** What a dry run tells. */
export interface DryRun {
  /** Memory on the adapter. */
  gpu: GpuForecast;
  /** Bytes of all weights. */
  weightBytes: number;
  /** Bytes of a checkpoint. */
  checkpointBytes: number;
  /** Numbers of a line of metrics. */
  fields: number;
}

/** What the memory of a run depends on beside its configuration. */
export interface DryData {
  /** Batches of all data: few of them make a small sample for first weights; without end when absent. */
  batchesPerEpoch?: number;
  /** Blocks of activations that are on the device too. */
  blocks?: DeviceBlocks;
}

const BLOCKS = "blocks of activations";

/**
 * Two blocks, the room that a run of the model leaves its activations in, and what moves rows from one to the other.
 * @param read rows that the host reads for first weights
 */
function placeBlocks(
  gpu: DryGpu,
  { widths, blockRows, runRows }: DeviceBlocks,
  { rows, read }: { rows: number; read: number },
): void {
  const samples = Math.min(2, Math.ceil(read / blockRows));
  for (const d of widths) {
    createBuffer(gpu, runRows * d * 4, BLOCKS);
    for (let block = 0; block < 2; block++) {
      createRows(gpu, BLOCKS, blockRows, d);
      createBuffer(gpu, 16, BLOCKS);
    }
    for (let sample = 0; sample < samples; sample++) createRows(gpu, BLOCKS, rows, d);
  }
  for (const count of [runRows, rows, ...Array(samples).fill(rows)]) {
    createBuffer(gpu, count * 8, BLOCKS);
  }
  createBuffer(gpu, 16, BLOCKS);
}

const sum = (amounts: Iterable<number>) => [...amounts].reduce((a, b) => a + b, 0);
const floats = ({ rows, cols }: Rows) => rows * cols;

/**
 * Counts the memory of a run.
 * @throws OutOfMemoryError when a buffer is larger than the device allows
 */
export async function dryRun(
  facts: DeviceFacts,
  config: ResolvedConfig,
  { batchesPerEpoch = Infinity, blocks }: DryData = {},
): Promise<DryRun> {
  const gpu = dryGpu(facts);
  const options = modelOptionsOf(config);
  const family = familyOf(config.dictionary.type);
  const peaks: [Phase, number][] = [];
  const phase = async <T>(name: Phase, work: () => Promise<T> | T): Promise<T> => {
    gpu.memory.peakBytes = gpu.memory.bytes;
    const result = await work();
    peaks.push([name, gpu.memory.peakBytes]);
    return result;
  };

  if (blocks) {
    const read = startRows(facts, options, config.dictionary.init_b_dec, batchesPerEpoch);
    placeBlocks(gpu, blocks, { rows: options.rows, read });
  }
  await phase("start", () => start(gpu, config, options, batchesPerEpoch));
  const model = await phase("training", () => {
    const built = family.build(gpu, options);
    ringReads(gpu, built);
    return built;
  });
  const matrices = [
    ...model.parameters.map((p) => p.value),
    ...model.optimizerState.map((s) => s.rows),
  ];
  const found = { training_bytes: gpu.memory.bytes, ...purposesOf(gpu, model) };
  await phase("checkpoint", () => {
    destroyBuffer(gpu, createBuffer(gpu, Math.max(...matrices.map(readBytes)), "read"));
  });
  await phase("finish", () => finish(gpu, family, options, { model, batchesPerEpoch }));
  const [peak_phase, peak_bytes] = peaks.reduce((a, b) => b[1] > a[1] ? b : a);
  const stateWords = sum(model.state.map((s) => s.words));
  return {
    gpu: {
      adapter: facts.name,
      max_binding_bytes: facts.maxBindingBytes,
      largest_buffer: largestOf(gpu),
      peak_bytes,
      peak_phase,
      ...found,
      splits: splitsOf(model),
    },
    weightBytes: 4 * sum(model.parameters.map((p) => floats(p.value))),
    checkpointBytes: 4 * (sum(matrices.map(floats)) + stateWords),
    fields: model.ring.fields.length,
  };
}

/** What exists only while first weights are made. */
async function start(
  gpu: DryGpu,
  { dictionary: { init_b_dec: how } }: ResolvedConfig,
  options: ModelOptions,
  batchesPerEpoch: number,
): Promise<void> {
  if (how !== "geometric_median") return;
  const rows = startRows(gpu.facts, options, how, batchesPerEpoch);
  await geometricMedian(gpu, new Float32Array(rows * options.dOut), options.dOut);
}

/** What exists only while thresholds are measured after training. Arrays of zeros that nobody reads take no memory. */
async function finish(
  gpu: DryGpu,
  family: ModelFamily,
  options: ModelOptions,
  { model, batchesPerEpoch }: { model: TrainableModel; batchesPerEpoch: number },
): Promise<void> {
  const zeros = model.parameters.map(({ name, value }) =>
    [name, new Float32Array(floats(value))] as const
  );
  const words = model.state.map(({ name, words }) => [name, new Float32Array(words)] as const);
  const record = family.record(options, new Map(zeros), new Map(words));
  freeTraining(gpu, model);
  if (!needsThresholds(record)) return;
  const rows = calibrationBatches(options.rows, batchesPerEpoch) * options.rows;
  const dictionary = loadAbove(freeable(gpu), record, rows, 0);
  await dictionary.run(dictionary.widths.map((d) => new Float32Array(dictionary.maxRows * d)));
}

/** Sums of the buffers that are there, by purpose, and those of the workspace by label. */
function purposesOf(
  gpu: DryGpu,
  model: TrainableModel,
): Pick<GpuForecast, "purposes" | "workspace"> {
  const purpose = new Map<GPUBuffer | GPUTexture, string>();
  const mark = (name: string, buffers: Iterable<GPUBuffer | GPUTexture | undefined>) => {
    for (const buffer of buffers) if (buffer && !purpose.has(buffer)) purpose.set(buffer, name);
  };
  const of = (rows: Rows) => rows.shards.map((shard) => shard.buffer);
  const { space } = model;
  mark("weights", model.parameters.flatMap((p) => of(p.value)));
  mark("gradients", model.parameters.flatMap((p) => of(p.grad)));
  mark("moments", model.optimizerState.flatMap((s) => of(s.rows)));
  mark("batch", [...model.inputs, space.x, space.centred, space.target].flatMap(of));
  mark("batch", [space.mask]);
  mark(BLOCKS, [...gpu.buffers].filter(([, b]) => b.label.startsWith(BLOCKS)).map(([b]) => b));
  mark("counters and metrics", model.state.map((s) => s.buffer));
  mark("counters and metrics", [model.ring.buffer, space.step, space.scalars, space.targetSum]);
  const sums = new Map(
    ["weights", "gradients", "moments", BLOCKS, "batch", "counters and metrics", "workspace"]
      .map((name) => [name, 0]),
  );
  const workspace = new Map<string, number>();
  const add = (to: Map<string, number>, name: string, bytes: number) =>
    to.set(name, (to.get(name) ?? 0) + bytes);
  for (const [buffer, { label, bytes, alive }] of gpu.buffers) {
    if (!alive) continue;
    const name = purpose.get(buffer) ??
      (label === "readback ring" ? "counters and metrics" : "workspace");
    add(sums, name, bytes);
    if (name === "workspace") add(workspace, label.replace(/( \d+)+$/, ""), bytes);
  }
  const amounts = (from: Map<string, number>) =>
    [...from].map(([name, bytes]) => ({ name, bytes }));
  return {
    purposes: amounts(sums).filter(({ bytes }) => bytes > 0),
    workspace: amounts(workspace).sort((a, b) => b.bytes - a.bytes),
  };
}

function largestOf(gpu: DryGpu): Amount {
  let largest: Amount = { name: "", bytes: 0 };
  for (const { label, bytes } of gpu.buffers.values()) {
    if (bytes > largest.bytes) largest = { name: label, bytes };
  }
  return largest;
}

function splitsOf(model: TrainableModel): SplitTensor[] {
  const all = [
    ...model.parameters.map(({ name, value }) => ({ name, rows: value })),
    ...model.parameters.filter((p) => p.grad !== p.value)
      .map(({ name, grad }) => ({ name: `grad ${name}`, rows: grad })),
    ...model.optimizerState,
  ];
  return all.filter(({ rows }) => rows.shards.length > 1).map(({ name, rows }) => ({
    tensor: name,
    shape: [rows.rows, rows.cols],
    bytes: sum(rows.shards.map((shard) => shard.buffer.size)),
    buffers: rows.shards.length,
  }));
}
