/**
 * Training and measuring in the worker that owns the GPU, each behind a dynamic import: `sdm --help` loads neither.
 * @module
 */
import type { ConvertOutcome, ConvertRequest } from "../report/convert.ts";
import type { CompareOutcome } from "../report/compare_types.ts";
import type { CompareRequest } from "../report/compare_plan.ts";
import type { EvaluateOutcome, EvaluateRequest } from "../report/evaluate.ts";
import type { SyntheticOutcome, SyntheticRequest } from "../report/synthetic.ts";
import type { ForecastRequest } from "../train/forecast.ts";
import type { Forecast } from "../train/forecast_types.ts";
import type { TrainRequest, TrainResult } from "../train/types.ts";
import type { JobHooks } from "./remote.ts";

/** How long work speaks with a command. */
export type WorkHooks = JobHooks;
/** What is measured. */
export type EvalRequest = EvaluateRequest;
/** What was measured. */
export type EvalOutcome = EvaluateOutcome;

/** Trains a dictionary. */
export async function trainInWorker(
  request: TrainRequest,
  hooks: WorkHooks,
): Promise<TrainResult> {
  const { runJob } = await import("./remote.ts");
  return await runJob("train", request, hooks);
}

/** Says what a training run needs. */
export async function planInWorker(
  request: ForecastRequest,
  hooks: WorkHooks,
): Promise<Forecast> {
  const { runJob } = await import("./remote.ts");
  return await runJob("plan", request, hooks);
}

/** Measures a dictionary and its baselines on held-out text. */
export async function evaluateRun(request: EvalRequest, hooks: WorkHooks): Promise<EvalOutcome> {
  const { runJob } = await import("./remote.ts");
  return await runJob("evaluate", request, hooks);
}

/** Measures a dictionary and writes its report. */
export async function buildReport(
  request: EvalRequest & { out?: string },
  hooks: WorkHooks,
): Promise<EvalOutcome & { file: string }> {
  const { runJob } = await import("./remote.ts");
  return await runJob("report", request, hooks);
}

/** Trains families on planted features and measures them. */
export async function synthInWorker(
  request: SyntheticRequest,
  hooks: WorkHooks,
): Promise<SyntheticOutcome> {
  const { runJob } = await import("./remote.ts");
  return await runJob("synth", request, hooks);
}

/** Turns a dictionary that selects by count into one with thresholds. */
export async function convertInWorker(
  request: ConvertRequest,
  hooks: WorkHooks,
): Promise<ConvertOutcome> {
  const { runJob } = await import("./remote.ts");
  return await runJob("convert", request, hooks);
}

/** Trains families to the same number of active latents and measures them on the same rows. */
export async function compareInWorker(
  request: CompareRequest,
  hooks: WorkHooks,
): Promise<CompareOutcome> {
  const { runJob } = await import("./remote.ts");
  return await runJob("compare", request, hooks);
}
