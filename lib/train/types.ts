/**
 * What a training run is asked for and what it answers.
 * @module
 */
import type { Config } from "../config/schema.ts";

/** A request that survives `postMessage` to the worker that owns the GPU. */
export interface TrainRequest {
  /** The checked configuration. */
  config: Config;
  /** Continue the newest checkpoint of `config.output_path`. */
  resume: boolean;
  /** Empty a run folder that already holds a run. */
  overwrite: boolean;
  /** Stop after this many steps, as Ctrl-C would (used by tests and by `verify-resume`). */
  stopAfterStep?: number;
}

/** The end of a training run. */
export interface TrainResult {
  /** Run folder. */
  path: string;
  /** Steps done, of all. */
  step: number;
  /** Steps of the whole run. */
  steps: number;
  /** False when it was stopped and can be resumed. */
  finished: boolean;
  /** Last figures: `recon/fvu`, `sparsity/l0`, `sparsity/dead_frac`, … */
  figures: Record<string, number>;
  /** What the run needed beside what it was planned to need, in one line; of a finished run. */
  planned?: string;
  /** SHA-256 over weights, moments and counters of the last checkpoint. */
  stateSha256: string;
}
