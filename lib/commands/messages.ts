/**
 * What the main thread and the worker that owns the GPU say to each other.
 * @module
 */
import type { PortableError } from "../base/errors.ts";
import type { ProgressEvent } from "../base/progress.ts";
import type { CompareOutcome } from "../report/compare_types.ts";
import type { CompareRequest } from "../report/compare_plan.ts";
import type { EvaluateOutcome, EvaluateRequest } from "../report/evaluate.ts";
import type { ConvertOutcome, ConvertRequest } from "../report/convert.ts";
import type { SyntheticOutcome, SyntheticRequest } from "../report/synthetic.ts";
import type { ForecastRequest } from "../train/forecast.ts";
import type { Forecast } from "../train/forecast_types.ts";
import type { TrainRequest, TrainResult } from "../train/types.ts";

/** Jobs by name, with what they take and give. */
export interface Jobs {
  /** A training run. */
  train: { request: TrainRequest; result: TrainResult };
  /** What a training run needs. */
  plan: { request: ForecastRequest; result: Forecast };
  /** Figures of a dictionary. */
  evaluate: { request: EvaluateRequest; result: EvaluateOutcome };
  /** Figures and a report. */
  report: {
    request: EvaluateRequest & { out?: string };
    result: EvaluateOutcome & { file: string };
  };
  /** A dictionary with thresholds. */
  convert: { request: ConvertRequest; result: ConvertOutcome };
  /** Families at equal L0. */
  compare: { request: CompareRequest; result: CompareOutcome };
  /** Families on planted features. */
  synth: { request: SyntheticRequest; result: SyntheticOutcome };
}

/** To the worker: do this, or stop when you can. */
export type ToWorker =
  | { [J in keyof Jobs]: { kind: "job"; job: J; request: Jobs[J]["request"] } }[keyof Jobs]
  | { kind: "stop" };

/** From the worker: how far it is, what came of it, or what went wrong. */
export type FromWorker =
  | { kind: "progress"; event: ProgressEvent }
  | { kind: "done"; result: unknown }
  | { kind: "failed"; error: PortableError };
