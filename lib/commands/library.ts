/**
 * Training and measuring, each behind a dynamic import: `sdm --help` loads neither.
 * @module
 */
import type { OnProgress } from "../base/progress.ts";
import type { Config } from "../config/types.ts";
import type { Figure } from "../report/types.ts";
import type { TrainRequest, TrainResult } from "../train/types.ts";

/** How long work speaks with a command. */
export interface WorkHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a clean stop. */
  signal?: AbortSignal;
}

/** What is measured. */
export interface EvalRequest {
  /** Folder of a run or of a dictionary. */
  path: string;
  /** Model, held-out text, counts. */
  config: Config;
}

/** What was measured. */
export interface EvalOutcome {
  /** The dictionary first, then the baselines. */
  contenders: { name: string; figures: Figure[] }[];
  /** Held-out tokens that the figures rest on. */
  evalTokens: number;
}

/** Trains in the worker that owns the GPU. */
export async function trainInWorker(
  request: TrainRequest,
  hooks: WorkHooks,
): Promise<TrainResult> {
  const remote = await import("../train/remote.ts");
  return await remote.trainInWorker(request, hooks);
}

/** Measures a dictionary and its baselines on held-out text. */
export async function evaluateRun(request: EvalRequest, hooks: WorkHooks): Promise<EvalOutcome> {
  const { evaluateRun } = await import("../report/evaluate.ts");
  return await evaluateRun(request, hooks);
}

/** Measures a dictionary and writes its report. */
export async function buildReport(
  request: EvalRequest & { out?: string },
  hooks: WorkHooks,
): Promise<EvalOutcome & { file: string }> {
  const { buildReport } = await import("../report/build.ts");
  return await buildReport(request, hooks);
}
