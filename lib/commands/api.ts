/**
 * Training and measuring for programs that import the library: each call starts the worker that owns the GPU and ends it.
 * @module
 */
import { fetchInputs, runInputs } from "./inputs.ts";
import * as library from "./library.ts";
import { releaseGpuWorker } from "./remote.ts";
import type { TrainRequest, TrainResult } from "../train/types.ts";

/** How long work speaks with its caller. */
export type WorkHooks = library.WorkHooks;
/** What is measured. */
export type EvalRequest = library.EvalRequest;
/** What was measured. */
export type EvalOutcome = library.EvalOutcome;

/**
 * Trains a dictionary.
 * @throws SdmError for bad input, a full disk, a lost device
 */
export async function train(request: TrainRequest, hooks: WorkHooks): Promise<TrainResult> {
  try {
    const earlier = request.resume ? await runInputs(request.config.output_path) : undefined;
    const config = await fetchInputs(request.config, hooks, earlier);
    return await library.trainInWorker({ ...request, config }, hooks);
  } finally {
    await releaseGpuWorker();
  }
}

/**
 * Measures a dictionary and its baselines on held-out text.
 * @throws SdmError for bad input
 */
export async function evaluate(request: EvalRequest, hooks: WorkHooks): Promise<EvalOutcome> {
  try {
    const config = await fetchInputs(request.config, hooks);
    return await library.evaluateRun({ ...request, config }, hooks);
  } finally {
    await releaseGpuWorker();
  }
}

/**
 * Measures a dictionary and writes its report.
 * @throws SdmError for bad input, a full disk
 */
export async function report(
  request: EvalRequest & { out?: string },
  hooks: WorkHooks,
): Promise<EvalOutcome & { file: string }> {
  try {
    const config = await fetchInputs(request.config, hooks);
    return await library.buildReport({ ...request, config }, hooks);
  } finally {
    await releaseGpuWorker();
  }
}
