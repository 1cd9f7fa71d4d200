/**
 * Resampling: latents that have been silent for long start anew from rows that are badly reconstructed, chosen with a
 * probability in proportion to their squared error. Source: architectures spec, section 14 (Bricken et al.).
 *
 * A function of the run's state and of the step alone, so that a resumed run resamples what a whole one would have.
 * The learning rate does not warm up again: Adam's moments of the new rows begin at zero, and its corrections are one.
 * @module
 */
import { RandomStream } from "../base/random.ts";
import type { ResolvedConfig } from "../config/types.ts";
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import type { Gpu } from "../gpu/device.ts";
import { readSlices } from "../gpu/readback.ts";
import { readRows, type Rows, writeRows } from "../gpu/rows.ts";
import { STATS } from "../kernels/residual_rows.ts";
import type { ModelOptions, TrainableModel } from "../models/types.ts";
import { modelOptionsOf } from "./plan.ts";

/** Length of a new encoder row as a share of the mean of those that fire (Bricken et al.). */
const ENCODER_SHARE = 0.2;

/** What resampling works on. */
export interface ResampleContext {
  /** The device. */
  gpu: Gpu;
  /** The run's numbers. */
  config: ResolvedConfig;
  /** The model on the device, as the last step left it. */
  model: TrainableModel;
  /** Data. */
  batches: ShuffledBatches;
  /** Factors of the points. */
  scales: readonly number[];
}

/** Whether silent latents are resampled after `step` steps: never after the last. */
export function resamplesAfter(config: ResolvedConfig, step: number, steps: number): boolean {
  const { resample_every: every = 0 } = config.dictionary;
  return every > 0 && step > 0 && step < steps && step % every === 0;
}

/**
 * Draws `count` different rows, each with a probability in proportion to its weight; fewer where fewer have a weight.
 */
export function drawRows(
  weights: ArrayLike<number>,
  count: number,
  stream: RandomStream,
  step: number,
): number[] {
  const left = Float64Array.from(weights);
  const drawn: number[] = [];
  for (let i = 0; drawn.length < count; i++) {
    const total = left.reduce((a, b) => a + b, 0);
    if (!(total > 0)) break;
    let rest = stream.uniform(step, i) * total;
    let row = 0;
    while (row < left.length - 1 && (rest -= left[row]) >= 0) row++;
    while (left[row] === 0) row--;
    drawn.push(row);
    left[row] = 0;
  }
  return drawn;
}

function lengthOf(row: Float32Array): number {
  return Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
}

/** Mean length of the rows of `matrix` [rows, d] that are not in `without`. */
function meanLength(matrix: Float32Array, d: number, without: ReadonlySet<number>): number {
  let sum = 0, count = 0;
  for (let row = 0; row < matrix.length / d; row++) {
    if (without.has(row)) continue;
    sum += lengthOf(matrix.subarray(row * d, (row + 1) * d));
    count++;
  }
  return count > 0 ? sum / count : 1;
}

/** Where every vector of a latent starts; those that are not named start at zero. */
function startOf(name: string, { thresholds }: ModelOptions): number {
  if (name === "threshold") return thresholds?.initial ?? 0;
  if (name === "log_threshold") return Math.log(thresholds?.initial ?? 1);
  return 0;
}

/** What the host has to know of the device's state. */
async function readState(gpu: Gpu, model: TrainableModel, rows: number) {
  const since = model.state.find((state) => state.name === "since_fired");
  if (!since || !model.rowStats) throw new Error("Cannot resample: the model does not keep count");
  const [tokens, sums] = await readSlices(gpu, [
    { buffer: since.buffer, size: since.words * 4 },
    { buffer: model.rowStats, size: rows * STATS * 4 },
  ]);
  const stats = new Float32Array(sums);
  return {
    since: since.buffer,
    tokens: new Uint32Array(tokens),
    errors: Float64Array.from({ length: rows }, (_, row) => stats[row * STATS]),
  };
}

/**
 * Gives silent latents new rows, from the batch of the last step; does nothing when there are none.
 * @param step steps done
 * @returns how many latents were resampled
 */
export async function resample(context: ResampleContext, step: number): Promise<number> {
  const { gpu, config, model, batches, scales } = context;
  const options = modelOptionsOf(config);
  const { dSae, dIn, rows } = options;
  const { since, tokens, errors } = await readState(gpu, model, rows);
  const most = config.dictionary.resample_dead_after ?? Infinity;
  const silent = [...tokens.keys()].filter((latent) => tokens[latent] > most);
  if (silent.length === 0) return 0;

  const stream = new RandomStream(config.seed, "resample");
  const chosen = drawRows(errors, silent.length, stream, step);
  const values = new Map<string, Float32Array>();
  for (const { name, value } of model.parameters) values.set(name, await readRows(gpu, value));
  const { points: [batch] } = await batches.batch(step - 1);
  const bias = options.inputBias ? values.get("b_dec") : undefined;
  const others = new Set(silent);
  const lengths = {
    W_enc: ENCODER_SHARE * meanLength(values.get("W_enc")!, dIn, others),
    W_dec: meanLength(values.get("W_dec")!, dIn, others),
  };
  const latents = silent.slice(0, chosen.length);
  latents.forEach((latent, i) => {
    const row = batch.slice(chosen[i] * dIn, (chosen[i] + 1) * dIn);
    row.forEach((value, j) => row[j] = value * scales[0] - (bias?.[j] ?? 0));
    const length = lengthOf(row) || 1;
    for (const [name, wanted] of Object.entries(lengths)) {
      values.get(name)!.set(row.map((value) => value * wanted / length), latent * dIn);
    }
    for (const { name, value } of model.parameters) {
      if (isVector(value, dSae)) values.get(name)![latent] = startOf(name, options);
    }
    tokens[latent] = 0;
  });
  await writeLatents(gpu, model, { values, latents, dSae });
  gpu.device.queue.writeBuffer(since, 0, tokens);
  return latents.length;
}

function isVector({ rows, cols }: Rows, dSae: number): boolean {
  return rows === 1 && cols === dSae;
}

/** Puts the latents' new values on the device; what the optimiser remembers of them is forgotten. */
async function writeLatents(
  gpu: Gpu,
  { parameters, optimizerState }: TrainableModel,
  { values, latents, dSae }: {
    values: ReadonlyMap<string, Float32Array>;
    latents: readonly number[];
    dSae: number;
  },
): Promise<void> {
  const ofLatents = parameters.filter(({ value }) =>
    isVector(value, dSae) || value.rows === dSae && value.rows > 1
  );
  for (const { name, value } of ofLatents) writeRows(gpu, value, values.get(name)!);
  for (const { name: stateName, rows: state } of optimizerState) {
    const [kind, name] = stateName.split(/\.(.*)/);
    const parameter = ofLatents.find((one) => one.name === name);
    if (!parameter) continue;
    const remembered = await readRows(gpu, state);
    const width = isVector(state, dSae) ? 1 : state.cols;
    // Averages and descents of schedule-free methods are points like the parameter itself, all others are moments.
    const point = /^signum_[xz]$/.test(kind);
    for (const latent of latents) {
      const at = latent * width;
      const own = values.get(name)!.subarray(at, at + width);
      remembered.set(point ? own : new Float32Array(width), at);
    }
    writeRows(gpu, state, remembered);
  }
}
