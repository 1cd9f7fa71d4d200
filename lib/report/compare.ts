/**
 * Families at the same number of active latents: trains each, measures all on the same held-out rows.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import { type OnProgress, silent } from "../base/progress.ts";
import { VERSION } from "../base/version.ts";
import { textOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import { openTextInputs } from "../data/text_inputs.ts";
import { figuresOn, readHeldOut } from "../evals/evaluate.ts";
import { pcaFigures } from "../evals/pca.ts";
import { writeFileAtomic, writeJson } from "../files/atomic.ts";
import { openDictionary } from "../interop/detect.ts";
import type { Provenance } from "../models/record.ts";
import { FAMILIES } from "../models/mod.ts";
import type { TypeName } from "../config/names.ts";
import type { RunManifest } from "../train/manifest.ts";
import { openTunedGpu } from "../train/tuned_gpu.ts";
import { modelLosses } from "./losses.ts";
import { comparePage } from "./compare_page.ts";
import type { CompareGroup, CompareOutcome, CompareRow } from "./compare_types.ts";
import { type CompareRequest, planComparison, type PlannedRun } from "./compare_plan.ts";
import { finishedRun } from "./finished_run.ts";

/** How it speaks with its caller. */
export interface CompareHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop. */
  signal?: AbortSignal;
}

/**
 * Trains what is not trained yet, measures, and writes `compare.json` and `compare.md`.
 * @throws SdmError for bad input, a full disk, a lost device
 */
export async function runCompare(
  request: CompareRequest,
  hooks: CompareHooks,
): Promise<CompareOutcome> {
  const all = FAMILIES.map(({ type }) => ({ type: type as TypeName }));
  const { l0, runs } = await planComparison(request, all);
  needHeldOut(runs[0].config);
  const [{ config }] = runs;
  const outcome: CompareOutcome = {
    l0,
    training_tokens: config.train.training_tokens,
    d_sae: config.dictionary.d_sae,
    adapter: "",
    groups: [],
    dropped: Object.fromEntries(runs.map((run) => [run.name, run.dropped])),
    finished: false,
  };
  const manifests: RunManifest[] = [];
  for (const [i, run] of runs.entries()) {
    const tell: OnProgress = (event) =>
      hooks.onProgress({ ...event, stage: `${i + 1}/${runs.length} ${run.name}: ${event.stage}` });
    const manifest = await finishedRun(run.config, request, { ...hooks, onProgress: tell });
    if (!manifest || hooks.signal?.aborted) return outcome;
    manifests.push(manifest);
  }
  outcome.adapter = manifests[0].adapter.name;
  for (const group of new Set(runs.map((run) => run.group))) {
    const own = runs.flatMap((run, i) => run.group === group ? [{ run, from: manifests[i] }] : []);
    outcome.groups.push(await measureGroup(own, hooks));
  }
  outcome.finished = true;
  await writeJson(join(request.path, "compare.json"), { sdm_version: VERSION, ...outcome });
  await writeFileAtomic(join(request.path, "compare.md"), comparePage(outcome));
  return outcome;
}

/** Held-out rows come from a model and text, whatever training reads. */
function needHeldOut({ model, data }: Config): void {
  const text = data.eval_text ?? data.text ?? data.dataset;
  if (model.onnx !== undefined && text !== undefined) return;
  throw new SdmError(
    "Cannot compare: held-out activations come from a model and text, model.onnx and " +
      "data.eval_text are needed",
    { hint: "--onnx model.onnx --eval-text heldout.txt" },
  );
}

/** Where held-out rows are read: as the configuration says, or where the dictionary of a store was trained. */
function measuringConfig(config: Config, provenance: Provenance): Config {
  if (config.data.activations === undefined) return config;
  const { hookpoint, hookpointOut, hookpoints, hookpointsOut } = provenance;
  return {
    ...config,
    model: {
      ...config.model,
      hookpoint: hookpoints ? undefined : hookpoint,
      hookpoint_out: hookpointsOut ? undefined : hookpointOut,
      hookpoints,
      hookpoints_out: hookpointsOut,
    },
    data: {
      ...config.data,
      context_size: provenance.contextSize ?? config.data.context_size,
      prepend_bos: provenance.prependBos ?? config.data.prepend_bos,
    },
  };
}

/** Measures the runs of a group on the same rows. */
async function measureGroup(
  entries: readonly { run: PlannedRun; from: RunManifest }[],
  hooks: CompareHooks,
): Promise<CompareGroup> {
  const [{ run: { config: first, l0 }, from: { provenance } }] = entries;
  const config = measuringConfig(first, provenance);
  const gpu = await openTunedGpu(config.gpu, hooks.onProgress, hooks.signal);
  try {
    const inputs = await openTextInputs(textOptions(config, "held_out"), hooks);
    try {
      const { points } = inputs;
      const maxRows = config.train.eval_tokens;
      const data = await readHeldOut(inputs, { maxRows, ...hooks });
      const names = (role: string) =>
        points.filter((point) => (point.role ?? "input") === role).map((point) => point.name);
      const group: CompareGroup = {
        inputs: names("input"),
        outputs: names("target"),
        eval_tokens: data.mask ? data.mask.reduce((n, one) => n + one, 0) : data.rows,
        rows: [],
      };
      const losses = modelLosses(config, inputs, data, { ...hooks, onProgress: silent });
      try {
        for (const [i, { run, from }] of entries.entries()) {
          hooks.onProgress({ stage: "measure", done: i, total: entries.length, unit: "families" });
          const { record } = await openDictionary(run.config.output_path);
          const { figures, dictionary } = await figuresOn(gpu, record, data, points);
          const downstream = await losses.of(dictionary);
          const all = [...figures, ...downstream?.figures ?? []];
          group.rows.push({ ...rowOf(run, from), figures: tableOf(all) });
        }
      } finally {
        await losses.close();
      }
      hooks.onProgress({
        stage: "measure",
        done: entries.length,
        total: entries.length,
        unit: "families",
      });
      if (data.points.length === 1) {
        const k = Math.min(Math.round(l0), data.points[0].d);
        const figures = await pcaFigures(gpu, { rows: data.rows, ...data.points[0] }, k);
        group.rows.push({ name: "PCA", l0: k, figures: tableOf(figures) });
      }
      return group;
    } finally {
      await inputs.close();
    }
  } finally {
    gpu.close();
  }
}

function tableOf(figures: readonly { name: string; value: number | null }[]) {
  return Object.fromEntries(figures.map(({ name, value }) => [name, value]));
}

function rowOf(
  { name, l0, config }: PlannedRun,
  { seconds, peak_gpu_bytes }: RunManifest,
): Omit<CompareRow, "figures"> {
  const busy = seconds && seconds.training - seconds.waiting;
  return {
    name,
    path: config.output_path,
    l0,
    tokens_per_second: busy ? config.train.training_tokens / busy : undefined,
    peak_gpu_bytes,
    seconds,
  };
}
