/**
 * A training run from configuration to `final/`: open the data, start or resume, loop, export. Everything that a user
 * would miss is on disk before it is needed again.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { TOOL } from "../base/version.ts";
import { resolveDefaults } from "../config/resolve.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { writeJson } from "../files/atomic.ts";
import { exists } from "../files/documents.ts";
import { ensureFreshFolder, removeIfEmpty } from "../files/fresh_folder.ts";
import { JsonLinesWriter } from "../files/json_lines.ts";
import type { Gpu } from "../gpu/device.ts";
import { type KernelTime, timeKernels } from "../gpu/program.ts";
import { familyOf } from "../models/mod.ts";
import type { Provenance } from "../models/record.ts";
import type { ModelFamily, ModelOptions, TrainableModel } from "../models/types.ts";
import {
  type CheckpointState,
  loadCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from "./checkpoint.ts";
import { dryRun } from "./dry_run.ts";
import { readTrained, writeFinal } from "./final.ts";
import { firstSteps } from "./first_steps.ts";
import { openTrainInputs, type TrainInputs } from "./inputs.ts";
import { type LoopEnd, type StepFigures, trainLoop } from "./loop.ts";
import { configSha256, readManifest, type RunManifest, writeManifest } from "./manifest.ts";
import { modelOptionsOf, stepsOf } from "./plan.ts";
import { planError, planLine, planOf, withPace } from "./planned.ts";
import {
  firstValues,
  measureScales,
  measureVariance,
  newestCheckpoint,
  writeFirst,
} from "./start.ts";
import { untilStopped } from "./stop.ts";
import { openTunedGpu } from "./tuned_gpu.ts";
import type { TrainRequest, TrainResult } from "./types.ts";
import { waitingFigure } from "./waiting.ts";

/** How a run speaks with its caller. */
export interface TrainHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop at the next checkpoint. */
  signal?: AbortSignal;
}

/** A run that is open: device, data, model. */
interface Run {
  path: string;
  config: ResolvedConfig;
  gpu: Gpu;
  inputs: TrainInputs;
  family: ModelFamily;
  options: ModelOptions;
  model: TrainableModel;
  manifest: RunManifest;
  /** The checkpoint that the run goes on from. */
  resumed?: CheckpointState;
  /** Bytes of a checkpoint. */
  checkpointBytes: number;
}

/**
 * Trains on this thread; `lib/commands/remote.ts` does the same in a worker.
 * @param open opens the data; what the configuration names when left out
 * @throws SdmError for bad input, a full disk, a lost device
 */
export async function runTraining(
  request: TrainRequest,
  hooks: TrainHooks,
  open: typeof openTrainInputs = openTrainInputs,
): Promise<TrainResult> {
  const path = request.config.output_path;
  const before = request.resume ? await readManifest(path) : undefined;
  const isNew = !await exists(path);
  if (!request.resume) await ensureFreshFolder(path, { overwrite: request.overwrite });
  try {
    return await trainIn(request, before, hooks, open);
  } catch (error) {
    if (isNew) await removeIfEmpty(path);
    throw error;
  }
}

async function trainIn(
  request: TrainRequest,
  before: RunManifest | undefined,
  hooks: TrainHooks,
  open: typeof openTrainInputs,
): Promise<TrainResult> {
  const { train } = request.config;
  const gpu = await openTunedGpu(request.config.gpu, hooks.onProgress, hooks.signal);
  try {
    const steps = Math.ceil(train.training_tokens / train.batch_tokens);
    const inputs = await open(request.config, steps, hooks, gpu);
    try {
      const run = await openRun(request, gpu, inputs, before, hooks.signal);
      return await trainAndExport(run, request, hooks);
    } finally {
      await inputs.close();
    }
  } finally {
    gpu.close();
  }
}

async function openRun(
  request: TrainRequest,
  gpu: Gpu,
  inputs: TrainInputs,
  before: RunManifest | undefined,
  signal: AbortSignal | undefined,
): Promise<Run> {
  const path = request.config.output_path;
  const config = resolveDefaults(request.config, inputs.widths);
  const family = familyOf(config.dictionary.type);
  const { batches: { batchesPerEpoch }, deviceBlocks: blocks } = inputs;
  const dry = await dryRun(gpu.facts, config, { batchesPerEpoch, blocks });
  if (before) sameData(path, before, inputs);
  const resumed = before && await newestCheckpoint(path, config);
  const batches = untilStopped(inputs.batches, signal);
  const scales = resumed?.input_scales ?? await measureScales(config, batches);
  const targetVariance = before?.target_variance ?? await measureVariance(config, batches, scales);
  const options = { ...modelOptionsOf(config), targetVariance };
  const first = resumed
    ? undefined
    : await firstValues(gpu, family, options, { config, batches, scales });
  const model = family.build(gpu, options);
  if (resumed) await loadCheckpoint(path, resumed.step, gpu, model);
  if (first) {
    writeFirst(gpu, model, first);
    await writeJson(join(path, "config.json"), config);
  }
  const manifest: RunManifest = before ?? {
    format: "sdm-run",
    version: 1,
    tool: TOOL,
    created: new Date().toISOString(),
    config_sha256: configSha256(config),
    adapter: gpu.facts,
    input_scales: scales,
    target_variance: targetVariance,
    provenance: inputs.provenance,
    data: inputs.facts,
    data_sha256: inputs.sha256,
    plan: planOf(dry.gpu),
  };
  if (!before) await writeManifest(path, manifest);
  const { checkpointBytes } = dry;
  return { path, config, gpu, inputs, family, options, model, manifest, resumed, checkpointBytes };
}

/** All hookpoints in one line: inputs, then what is reconstructed. */
function hookpointsOf({ hookpoint, hookpointOut, hookpoints, hookpointsOut }: Provenance): string {
  const outputs = hookpointsOut ?? (hookpointOut === undefined ? [] : [hookpointOut]);
  return [...hookpoints ?? [hookpoint], ...outputs].join(", ");
}

/** A resumed run must see the data that it began with. */
function sameData(path: string, before: RunManifest, now: TrainInputs): void {
  const origin = (provenance: Provenance, data?: string) => ({
    "the hookpoint": hookpointsOf(provenance),
    "the SHA-256 of the model": provenance.modelSha256,
    "the SHA-256 of the tokenizer": provenance.tokenizerSha256,
    "the SHA-256 of the data": data,
  });
  const found = Object.entries(origin(now.provenance, now.sha256));
  Object.entries(origin(before.provenance, before.data_sha256)).forEach(([what, value], i) => {
    if (value === found[i][1]) return;
    throw new SdmError(
      `Cannot resume "${path}": ${what} is "${found[i][1]}", "${value}" is needed as at the start`,
    );
  });
}

async function trainAndExport(
  run: Run,
  request: TrainRequest,
  hooks: TrainHooks,
): Promise<TrainResult> {
  const { path, config, gpu, model, manifest, resumed } = run;
  const steps = stepsOf(config);
  const rows = config.train.batch_tokens;
  const firstStep = resumed?.step ?? 0;
  let figures: StepFigures = {};
  using metrics = await JsonLinesWriter.open(join(path, "metrics.jsonl"), (line) => {
    const { step, tokens: _, ...earlier } = line as Record<string, number>;
    if (step > firstStep) return false;
    figures = earlier;
    return true;
  });
  let state = resumed;
  const started = performance.now();
  const { batches } = run.inputs;
  const before = { waitedSeconds: batches.waitedSeconds, idleSeconds: batches.idleSeconds };
  const source = String(batches.describe().source);
  const report = (step: number) => {
    const seconds = (performance.now() - started) / 1000;
    hooks.onProgress({
      stage: "train",
      done: step * rows,
      total: steps * rows,
      unit: "tokens",
      figures: {
        step,
        fvu: figures["recon/fvu"],
        l0: figures["sparsity/l0"],
        dead: figures["sparsity/dead_frac"],
        ..."sparsity/screen_recall" in figures && { recall: figures["sparsity/screen_recall"] },
        ...waitingFigure(batches, before, seconds, source),
      },
    });
  };
  const measure = firstSteps({ gpu, ...run.inputs, firstStep });
  const end = await trainLoop({
    gpu,
    model,
    config,
    batches: run.inputs.batches,
    scales: manifest.input_scales,
    firstStep,
    signal: hooks.signal,
    stopAfterStep: request.stopAfterStep,
    async afterStep(step) {
      const pace = await measure(step);
      if (!pace || !manifest.plan || manifest.plan.seconds !== undefined) return;
      const earlier = manifest.seconds?.training ?? 0;
      const elapsed = earlier + (performance.now() - started) / 1000;
      const { checkpointBytes } = run;
      manifest.plan = withPace(manifest.plan, config, pace, { step, elapsed, checkpointBytes });
      await writeManifest(path, manifest);
    },
    onFigures(step, next) {
      figures = next;
      metrics.append({ step, tokens: step * rows, ...next });
      report(step);
    },
    async onCheckpoint(step) {
      metrics.flush();
      state = await saveCheckpoint(path, gpu, model, {
        step,
        input_scales: manifest.input_scales,
        config_sha256: manifest.config_sha256,
      });
      await pruneCheckpoints(path, config.train.keep_checkpoints);
    },
  });
  metrics.flush();
  figures = end.figures ?? figures;
  const finished = end.step >= steps;
  const trained = finished ? await readTrained(run) : undefined;
  // A timed step changes the weights, and none is possible when gradients are freed.
  const times = config.gpu.timestamps === "on" ? await timeKernels(gpu, model.step) : [];
  if (trained) await writeFinal(run, trained, end, figures);
  const last = withTimes(run, end, finished, times);
  await writeManifest(path, last);
  return {
    path,
    step: end.step,
    steps,
    finished,
    figures,
    stateSha256: state?.sha256 ?? "",
    planned: finished ? planLine(last) : undefined,
  };
}

function withTimes(
  { manifest, gpu, config, resumed }: Run,
  end: LoopEnd,
  finished: boolean,
  times: readonly KernelTime[],
): RunManifest {
  const rows = (end.step - (resumed?.step ?? 0)) * config.train.batch_tokens;
  const earlier = manifest.seconds ?? { training: 0, waiting: 0, idle: 0 };
  const last: RunManifest = {
    ...manifest,
    finished: finished ? manifest.finished ?? new Date().toISOString() : undefined,
    seconds: {
      training: earlier.training + end.seconds,
      waiting: earlier.waiting + end.waitedSeconds,
      ...end.idleSeconds === undefined ? {} : { idle: (earlier.idle ?? 0) + end.idleSeconds },
    },
    tokens_per_second: rows > 0 ? rows / end.seconds : manifest.tokens_per_second,
    peak_gpu_bytes: Math.max(manifest.peak_gpu_bytes ?? 0, gpu.memory.peakBytes),
    kernel_seconds: times.length
      ? Object.fromEntries(times.map((t) => [t.kernel, t.ticks / 1e9]))
      : undefined,
  };
  return finished ? { ...last, plan_error: planError(last) } : last;
}
