/**
 * The training loop: one command buffer a step, figures from a ring on the GPU every `log_every` steps, never a read-back
 * in between. What a step computes is the model's own list of commands.
 * @module
 */
import type { ResolvedConfig } from "../config/types.ts";
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import { type Batch, type DeviceBatch, nextBatch } from "../data/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { encode } from "../gpu/program.ts";
import { ReadbackRing } from "../gpu/readback.ts";
import type { MetricsRing, TrainableModel } from "../models/types.ts";
import { feedBatch, stagedBytes } from "./feed.ts";
import { learningRate, stepsOf, stepWords } from "./plan.ts";
import { resample, resamplesAfter } from "./resample.ts";
import { unlessAborted } from "./stop.ts";

/** Figures of one step, by metric name. */
export type StepFigures = Record<string, number>;

/** What the loop works on. */
export interface LoopOptions {
  /** The device. */
  gpu: Gpu;
  /** The model on it. */
  model: TrainableModel;
  /** The run's numbers. */
  config: ResolvedConfig;
  /** Data. */
  batches: ShuffledBatches;
  /** Factors of the points of a batch. */
  scales: readonly number[];
  /** First step: 0, or where a checkpoint left off. */
  firstStep: number;
  /** Asks for a stop after the step that is under way. */
  signal?: AbortSignal;
  /** Stop here at the latest. */
  stopAfterStep?: number;
  /** Hears of every step that was submitted, and may wait. */
  afterStep?(step: number): Promise<void>;
  /** Receives the figures of the steps that are logged, in order. */
  onFigures(step: number, figures: StepFigures): void;
  /** Writes a checkpoint after `step` steps; every step before has been submitted. */
  onCheckpoint(step: number): Promise<void>;
}

/** How the loop ended. */
export interface LoopEnd {
  /** Steps done. */
  step: number;
  /** Seconds in the loop. */
  seconds: number;
  /** Seconds of it that the loop waited for data. */
  waitedSeconds: number;
  /** Seconds of it in which nothing was read or made ahead; undefined where that is done in the loop's own time. */
  idleSeconds?: number;
  /** Figures of the last step, whether it was logged or not; undefined when no step was made. */
  figures?: StepFigures;
}

/** Reads in flight: the host is at most this many log intervals ahead of the GPU. */
const READS_IN_FLIGHT = 2;

/** Host buffers for the metrics ring. */
export function ringReads(gpu: Gpu, { ring }: TrainableModel): ReadbackRing {
  return new ReadbackRing(gpu, ring.slots * ring.fields.length * 4, READS_IN_FLIGHT + 1);
}

/** Figures of step `t` from its row of the ring. */
function figuresOf(
  config: ResolvedConfig,
  { fields, slots }: MetricsRing,
  ring: Float32Array,
  t: number,
): StepFigures {
  const row = ring.subarray((t % slots) * fields.length);
  const figures: StepFigures = {};
  fields.forEach(({ name }, i) => figures[name] = row[i]);
  const { d_sae, n_layers = 1 } = config.dictionary;
  figures["sparsity/dead_frac"] = figures["sparsity/dead"] / (d_sae * n_layers);
  figures.lr = learningRate(config, t);
  return figures;
}

/** Bytes of batches that may wait on the host's side of the queue: a fast loop must not run ahead without end. */
export const MOST_STAGED_BYTES = 256 * 2 ** 20;

/** Milliseconds that the loop may go on without letting messages in. */
const TURN_EVERY_MS = 100;

/** Lets messages in, a stop among them: batches that are in memory and submits do not turn the event loop. */
function turnEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Writes which rows of a batch count; gives the number of those that do not. */
function writeMask(gpu: Gpu, model: TrainableModel, { rows, mask }: Batch | DeviceBatch): number {
  const place = model.space.mask;
  if (!place) return 0;
  const counts = mask ?? new Float32Array(rows).fill(1);
  gpu.device.queue.writeBuffer(place, 0, counts as Float32Array<ArrayBuffer>);
  return counts.reduce((n, count) => count === 0 ? n + 1 : n, 0);
}

/** The commands of step `t` on a batch; the batch and the step's numbers are written before. */
export function encodeStep(
  { gpu, model, config, scales }: Pick<LoopOptions, "gpu" | "model" | "config" | "scales">,
  batch: Batch | DeviceBatch,
  t: number,
): GPUCommandEncoder {
  const moves = feedBatch({ gpu, model, scales }, batch);
  const leftOut = writeMask(gpu, model, batch);
  gpu.device.queue.writeBuffer(model.space.step, 0, stepWords(config, t, leftOut));
  model.beforeStep?.(t);
  const encoder = gpu.device.createCommandEncoder();
  encode(encoder, [...moves, ...model.step]);
  return encoder;
}

/**
 * Runs steps until the run ends or is asked to stop. A checkpoint is written at the end in any case; which steps are
 * logged depends on the run alone, not on where it was stopped.
 */
export async function trainLoop(options: LoopOptions): Promise<LoopEnd> {
  const { gpu, model, config, batches, signal } = options;
  const { log_every, save_every } = config.train;
  const steps = stepsOf(config);
  const last = Math.min(steps, options.stopAfterStep ?? Infinity);
  const ring = ringReads(gpu, model);
  const reads: Promise<void>[] = [];
  const started = performance.now();
  const waitedBefore = batches.waitedSeconds, idleBefore = batches.idleSeconds ?? 0;
  let step = options.firstStep;
  let saved = -1;
  let turned = started;
  let staged = 0;
  const drain = async (left: number) => {
    while (reads.length > left) await reads.shift();
  };
  let figures: StepFigures | undefined;
  /** Submits what is encoded, and for a step whose figures are wanted reads them. */
  const submit = (encoder: GPUCommandEncoder, t: number, wanted: boolean) => {
    const read = wanted ? ring.start(encoder, model.ring.buffer) : undefined;
    gpu.device.queue.submit([encoder.finish()]);
    gpu.check();
    return read?.finish().then((bytes) =>
      figures = figuresOf(config, model.ring, new Float32Array(bytes), t)
    );
  };
  try {
    while (step < last && !signal?.aborted) {
      const batch = await unlessAborted(nextBatch(batches, step), signal);
      if (!batch) break;
      const bytes = stagedBytes(batch);
      staged += bytes;
      if (staged > MOST_STAGED_BYTES) {
        await gpu.device.queue.onSubmittedWorkDone();
        staged = bytes;
      }
      const encoder = encodeStep(options, batch, step);
      const done = ++step;
      const read = submit(encoder, done - 1, done % log_every === 0 || done === steps);
      if (read) {
        const logged = read.then((found) => options.onFigures(done, found));
        logged.catch(() => {}); // it is heard of when its turn comes
        reads.push(logged);
        await drain(READS_IN_FLIGHT - 1);
      }
      await options.afterStep?.(done);
      if (resamplesAfter(config, step, steps)) await resample(options, step);
      if (performance.now() - turned > TURN_EVERY_MS) {
        await turnEventLoop();
        turned = performance.now();
      }
      if (step % save_every === 0 && step < last) {
        await drain(0);
        await options.onCheckpoint(step);
        saved = step;
      }
    }
    await drain(0);
  } finally {
    // A device that is closed while a read waits takes the process with it.
    await Promise.allSettled(reads);
  }
  if (step > options.firstStep && step < steps && step % log_every !== 0) {
    await submit(gpu.device.createCommandEncoder(), step - 1, true);
  }
  // A run that was stopped before its first step can be resumed too.
  if (saved !== step && (step > options.firstStep || step === 0)) await options.onCheckpoint(step);
  return {
    step,
    seconds: (performance.now() - started) / 1000,
    waitedSeconds: batches.waitedSeconds - waitedBefore,
    idleSeconds: batches.idleSeconds === undefined ? undefined : batches.idleSeconds - idleBefore,
    figures,
  };
}
