/**
 * The plan that a run keeps in its manifest, and how far off it was.
 * @module
 */
import { formatBytes, formatFigure, formatSeconds } from "../base/format.ts";
import type { ResolvedConfig } from "../config/types.ts";
import type { GpuForecast } from "./forecast_types.ts";
import { type Pace, paceSeconds } from "./pace.ts";
import { blockRowsOf, stepsOf } from "./plan.ts";

/** What a run expects of itself. */
export interface RunPlan {
  /** Highest sum of all buffers on the adapter. */
  gpu_bytes: number;
  /** Seconds in the training loop; absent until some steps were measured. */
  seconds?: number;
  /** Rows a second of the dictionary's steps with nothing else at work. */
  dictionary_tokens_per_second?: number;
  /** Rows a second of the model, or of the store, with nothing else at work. */
  model_tokens_per_second?: number;
}

/** What a plan is compared with. */
export interface Outcome {
  /** The plan. */
  plan?: RunPlan;
  /** When the run ended. */
  finished?: string;
  /** Highest sum of all buffers. */
  peak_gpu_bytes?: number;
  /** Seconds in the loop. */
  seconds?: { training: number };
}

/** Bytes a second at which checkpoints are taken to be read back, hashed and written. */
export const CHECKPOINT_RATE = 250e6;

/**
 * The plan with the time that is left, from the pace of the first steps.
 * @param step steps done
 * @param elapsed seconds in the loop so far, in earlier parts of the run too
 */
export function withPace(
  plan: RunPlan,
  config: ResolvedConfig,
  pace: Pace,
  { step, elapsed, checkpointBytes }: { step: number; elapsed: number; checkpointBytes: number },
): RunPlan {
  const { batch_tokens, save_every } = config.train;
  const steps = stepsOf(config);
  const rows = (steps - step) * batch_tokens;
  const checkpoints = Math.ceil(steps / save_every) - Math.ceil(step / save_every) + 1;
  const left = rows > 0 ? paceSeconds(pace, rows, blockRowsOf(config)).seconds : 0;
  return {
    ...plan,
    seconds: elapsed + left + checkpoints * checkpointBytes / CHECKPOINT_RATE,
    dictionary_tokens_per_second: pace.alone.dictionary,
    model_tokens_per_second: pace.alone.model,
  };
}

/** The plan before the first step. */
export function planOf({ peak_bytes }: GpuForecast): RunPlan {
  return { gpu_bytes: peak_bytes };
}

/** By how much the run needed more (or less) than planned, as a share of the plan; what is not known is absent. */
export function planError({ plan, peak_gpu_bytes, seconds }: Outcome): {
  gpu_bytes?: number;
  seconds?: number;
} {
  return {
    ...plan && peak_gpu_bytes !== undefined &&
      { gpu_bytes: peak_gpu_bytes / plan.gpu_bytes - 1 },
    ...plan?.seconds && seconds && { seconds: seconds.training / plan.seconds - 1 },
  };
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${formatFigure(100 * share, 2)} %`;
}

/** `planned 1.23 GiB, used 1.25 GiB (+1.6 %); planned 4 min 10 s, took 4 min 32 s (+9 %)`, as far as it is known. */
export function planLine(outcome: Outcome): string | undefined {
  const { plan, peak_gpu_bytes = 0, seconds } = outcome;
  const error = planError(outcome);
  const parts = [
    error.gpu_bytes !== undefined && plan &&
    `planned ${formatBytes(plan.gpu_bytes)}, used ${formatBytes(peak_gpu_bytes)} ` +
      `(${percent(error.gpu_bytes)})`,
    error.seconds !== undefined && plan?.seconds && seconds &&
    `planned ${formatSeconds(plan.seconds)}, took ${formatSeconds(seconds.training)} ` +
      `(${percent(error.seconds)})`,
  ].filter((part) => typeof part === "string");
  return parts.length > 0 ? parts.join("; ") : undefined;
}
