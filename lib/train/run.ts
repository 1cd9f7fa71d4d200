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
import { ensureFreshFolder } from "../files/fresh_folder.ts";
import { JsonLinesWriter } from "../files/json_lines.ts";
import { type Gpu, openGpu } from "../gpu/device.ts";
import { readFloats } from "../gpu/readback.ts";
import { readRows } from "../gpu/rows.ts";
import { submit, timeKernels } from "../gpu/program.ts";
import { saveDictionary } from "../interop/save.ts";
import { calibrated } from "../models/calibrate.ts";
import { foldScales } from "../models/fold.ts";
import { familyOf } from "../models/mod.ts";
import type { Provenance } from "../models/record.ts";
import { withRowNorm } from "../models/row_normalised.ts";
import type { ModelFamily, ModelOptions, TrainableModel } from "../models/types.ts";
import { calibrationRows } from "./calibration_rows.ts";
import {
  type CheckpointState,
  loadCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from "./checkpoint.ts";
import { openTrainInputs, type TrainInputs } from "./inputs.ts";
import { type LoopEnd, type StepFigures, trainLoop } from "./loop.ts";
import { configSha256, readManifest, type RunManifest, writeManifest } from "./manifest.ts";
import { modelOptionsOf, stepsOf } from "./plan.ts";
import { initialise, measureScales, measureVariance, newestCheckpoint } from "./start.ts";
import { untilStopped } from "./stop.ts";
import type { TrainRequest, TrainResult } from "./types.ts";

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
  if (!request.resume) await ensureFreshFolder(path, { overwrite: request.overwrite });
  const { gpu: wanted, train } = request.config;
  const gpu = await openGpu({
    powerPreference: wanted.power_preference,
    maxBindingBytes: wanted.max_binding_bytes,
    subgroups: wanted.subgroups,
  });
  try {
    const steps = Math.ceil(train.training_tokens / train.batch_tokens);
    const inputs = await open(request.config, steps, hooks.onProgress);
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
  if (before) sameData(path, before, inputs);
  const resumed = before && await newestCheckpoint(path, config);
  const batches = untilStopped(inputs.batches, signal);
  const scales = resumed?.input_scales ?? await measureScales(config, batches);
  const targetVariance = before?.target_variance ?? await measureVariance(config, batches, scales);
  const options = { ...modelOptionsOf(config), targetVariance };
  const model = family.build(gpu, options);
  if (resumed) await loadCheckpoint(path, resumed.step, gpu, model);
  else {
    await initialise(gpu, model, family, options, { config, batches, scales });
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
  };
  if (!before) await writeManifest(path, manifest);
  return { path, config, gpu, inputs, family, options, model, manifest, resumed };
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
  const waited = run.inputs.batches.waitedSeconds;
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
        "waiting for data": `${
          Math.round(100 * (run.inputs.batches.waitedSeconds - waited) / seconds)
        } %`,
      },
    });
  };
  const end = await trainLoop({
    gpu,
    model,
    config,
    batches: run.inputs.batches,
    scales: manifest.input_scales,
    firstStep,
    signal: hooks.signal,
    stopAfterStep: request.stopAfterStep,
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
  if (finished) await writeFinal(run, end, figures);
  await writeManifest(path, await withTimes(run, end, finished));
  return {
    path,
    step: end.step,
    steps,
    finished,
    figures,
    stateSha256: state?.sha256 ?? "",
  };
}

async function withTimes(run: Run, end: LoopEnd, finished: boolean): Promise<RunManifest> {
  const { manifest, gpu, config, model, resumed } = run;
  const rows = (end.step - (resumed?.step ?? 0)) * config.train.batch_tokens;
  const earlier = manifest.seconds ?? { training: 0, waiting: 0 };
  const times = config.gpu.timestamps === "on" ? await timeKernels(gpu, model.step) : [];
  return {
    ...manifest,
    finished: finished ? manifest.finished ?? new Date().toISOString() : undefined,
    seconds: {
      training: earlier.training + end.seconds,
      waiting: earlier.waiting + end.waitedSeconds,
    },
    tokens_per_second: rows > 0 ? rows / end.seconds : manifest.tokens_per_second,
    peak_gpu_bytes: gpu.memory.peakBytes,
    kernel_seconds: times.length
      ? Object.fromEntries(times.map((t) => [t.kernel, t.ticks / 1e9]))
      : undefined,
  };
}

/** Writes `final/`: the input scale is folded in, so that it takes activations as the model gives them. */
async function writeFinal(run: Run, end: LoopEnd, figures: StepFigures): Promise<void> {
  const { path, config, gpu, family, options, model, manifest } = run;
  const values = new Map<string, Float32Array>();
  submit(gpu, model.exported.begin());
  for (const { name, value } of model.parameters) values.set(name, await readRows(gpu, value));
  submit(gpu, model.exported.end());
  const words = new Map<string, Float32Array>();
  for (const { name, buffer, words: n } of model.state) {
    words.set(name, await readFloats(gpu, buffer, n));
  }
  const trained = family.record(options, values, words);
  const isByBatch = trained.activation.name === "batchtopk";
  const { points, mask } = isByBatch
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
