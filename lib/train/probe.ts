/**
 * Some steps of a run on the real device, with the real model and real text: what they take says what the run will take.
 * @module
 */
import { join } from "node:path";
import type { OnProgress, ProgressEvent } from "../base/progress.ts";
import type { Config, ResolvedConfig } from "../config/types.ts";
import type { Batch } from "../data/types.ts";
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import { removeFolder } from "../files/atomic.ts";
import type { Gpu } from "../gpu/device.ts";
import { familyOf } from "../models/mod.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import type { DryRun } from "./dry_run.ts";
import type { TrainInputs } from "./inputs.ts";
import { encodeStep } from "./loop.ts";
import { type Pace, type Rates, togetherOf } from "./pace.ts";
import { modelOptionsOf } from "./plan.ts";
import { CHECKPOINT_RATE } from "./planned.ts";
import { firstValues, writeFirst } from "./start.ts";
import { checkStopped, untilStopped } from "./stop.ts";

/** Rows of a block of a probe, about: the first one is waited for. */
const BLOCK_ROWS = 16384;

/** Steps in which shaders are compiled. */
const WARM = 2;

/** Seconds of steps between two waits for the device. */
const BETWEEN_WAITS = 0.25;

/** Larger checkpoints are not written to find out how long it takes. */
const MOST_TRIAL_BYTES = 2 ** 29;

/** What a probe found. */
export interface ProbeFigures {
  /** Steps that were made. */
  steps: number;
  /** Rates. */
  pace: Pace;
  /** Seconds until first weights are on the device. */
  initialSeconds: number;
  /** Seconds of a checkpoint. */
  checkpointSeconds: number;
  /** Bytes of the process in the end. */
  rss: number;
}

/** Batches of a block of a probe. */
export function probeBatches({ train, data }: Config): number {
  const wanted = Math.min(BLOCK_ROWS, data.buffer_tokens) / train.batch_tokens;
  return Math.max(1, Math.floor(wanted));
}

/** The configuration with as little text as a probe needs. */
export function probeConfig(config: Config): Config {
  const rows = probeBatches(config) * config.train.batch_tokens;
  return {
    ...config,
    data: { ...config.data, buffer_tokens: rows },
    train: { ...config.train, training_tokens: Math.min(config.train.training_tokens, 3 * rows) },
  };
}

/** Tokens a second of reading text, from what the opening of the data reports. */
export function textMeter(onProgress: OnProgress): { rate(): number; onProgress: OnProgress } {
  let first: { at: number; done: number } | undefined;
  let last = { at: 0, done: 0 };
  return {
    rate: () => first && last.at > first.at ? (last.done - first.done) / (last.at - first.at) : 0,
    onProgress(event: ProgressEvent) {
      if (event.stage === "tokenise") {
        last = { at: performance.now() / 1000, done: event.done };
        first ??= last;
      }
      onProgress(event);
    },
  };
}

/** The batches of the first block again and again. */
function cycled(source: ShuffledBatches, own: readonly Batch[]): ShuffledBatches {
  return {
    points: source.points,
    batchRows: source.batchRows,
    batchesPerEpoch: own.length,
    waitedSeconds: 0,
    batch: (step) => Promise.resolve({ ...own[step % own.length], step }),
    describe: () => source.describe(),
    close: () => Promise.resolve(),
  };
}

/**
 * Runs a probe of `steps` steps: a block is made with nothing else at work, then steps while the next one is made, then
 * steps with nothing else at work.
 */
export async function runProbe(
  gpu: Gpu,
  inputs: TrainInputs,
  config: ResolvedConfig,
  options: {
    steps: number;
    dry: DryRun;
    folder: string;
    onProgress: OnProgress;
    signal?: AbortSignal;
  },
): Promise<ProbeFigures> {
  const { loads } = inputs;
  const batches = untilStopped(inputs.batches, options.signal);
  const count = Math.min(probeBatches(config), batches.batchesPerEpoch);
  const own = [await batches.batch(0)];
  for (let i = 1; i < count; i++) own.push(await batches.batch(i));
  const loaded = { rows: loads?.rows() ?? 0, seconds: loads?.seconds() ?? 0 };
  const model = loaded.seconds > 0 ? loaded.rows / loaded.seconds : Infinity;

  const began = performance.now();
  const family = familyOf(config.dictionary.type);
  const modelOptions = modelOptionsOf(config);
  const scales = batches.points.map(() => 1);
  const start = { config, batches: cycled(batches, own), scales };
  const values = await firstValues(gpu, family, modelOptions, start);
  const trained = family.build(gpu, modelOptions);
  writeFirst(gpu, trained, values);
  const initialSeconds = (performance.now() - began) / 1000;

  let done = 0;
  const context = { gpu, model: trained, config, scales };
  const run = async (steps: number): Promise<number> => {
    checkStopped(options.signal);
    const from = performance.now();
    for (let i = 0; i < steps; i++) {
      const encoder = encodeStep(context, own[done % own.length], done++);
      gpu.device.queue.submit([encoder.finish()]);
    }
    await gpu.device.queue.onSubmittedWorkDone();
    gpu.check();
    options.onProgress({ stage: "probe", done, total: options.steps, unit: "steps" });
    return (performance.now() - from) / 1000;
  };
  await run(1);
  const once = await run(WARM - 1);
  const group = Math.max(1, Math.min(5, Math.round(BETWEEN_WAITS / once)));
  const half = Math.max(1, Math.floor((options.steps - WARM) / 2));
  const rows = batches.batchRows;

  // On one device the model and the steps take turns, so that neither goes on beside the other.
  const beside = inputs.deviceBlocks
    ? undefined
    : await besideLoading(batches, count, { run, group, half, rows, model });
  let seconds = 0, steps = 0;
  const left = Math.max(1, options.steps - done);
  while (steps < left) {
    const next = Math.min(group, left - steps);
    seconds += await run(next);
    steps += next;
  }
  const shared = gpu.facts.software || inputs.deviceBlocks !== undefined;
  const alone: Rates = { model, dictionary: steps * rows / seconds };
  const pace = { alone, together: beside ?? togetherOf(alone, shared) };
  return {
    steps: done,
    pace,
    initialSeconds,
    checkpointSeconds: await checkpointSeconds(gpu, trained, options),
    rss: Deno.memoryUsage().rss,
  };
}

/** Rates while the next block is made; undefined when that is over too soon to tell. */
async function besideLoading(
  batches: ShuffledBatches,
  count: number,
  { run, group, half, rows, model }: {
    run(steps: number): Promise<number>;
    group: number;
    half: number;
    rows: number;
    model: number;
  },
): Promise<Rates | undefined> {
  const from = performance.now();
  let ended: number | undefined;
  const next = batches.batch(count).then(() => ended = (performance.now() - from) / 1000);
  next.catch(() => {}); // it is heard of when the steps are made
  let seconds = 0, steps = 0;
  while (steps < half && ended === undefined) {
    const some = Math.min(group, half - steps);
    seconds += await run(some);
    steps += some;
  }
  const both = ended ?? seconds;
  const loading = await next;
  if (both < 0.5 * seconds) return undefined;
  // What was left when the steps ended was made at the pace of the model alone.
  const made = count * rows - (loading - Math.min(loading, seconds)) * model;
  const rate = made / Math.min(loading, seconds);
  return {
    model: Math.min(model, Math.max(model / 10, rate)),
    dictionary: steps * rows / seconds,
  };
}

/** Seconds of a checkpoint, by writing one unless it is large. */
async function checkpointSeconds(
  gpu: Gpu,
  model: Parameters<typeof saveCheckpoint>[2],
  { dry, folder }: { dry: DryRun; folder: string },
): Promise<number> {
  if (dry.checkpointBytes > MOST_TRIAL_BYTES) return dry.checkpointBytes / CHECKPOINT_RATE;
  const trial = join(folder, `.sdm-plan-${crypto.randomUUID()}`);
  const from = performance.now();
  try {
    await saveCheckpoint(trial, gpu, model, { step: 0, input_scales: [1], config_sha256: "" });
    return (performance.now() - from) / 1000;
  } finally {
    await removeFolder(trial);
  }
}
