/**
 * What the model worker and its owner say to each other.
 * @module
 */
import type { PortableError } from "../base/errors.ts";
import type { ConcreteProvider, ProviderOptions } from "./providers.ts";
import type { CleanRun, SplicedRun, SplicedStep, SplicerFacts } from "./splice_types.ts";
import type { ProviderName } from "./types.ts";

/** Options of a runner that can cross to a worker: the model as a path or as a file's bytes. */
export interface PortableRunnerOptions extends ProviderOptions {
  /** Path of the ONNX file, or its bytes with the name for messages. */
  model: string | { bytes: Uint8Array; name: string };
  /** Hookpoints or tensors. */
  taps: readonly string[];
  /** Which ONNX Runtime. */
  provider?: ProviderName;
}

/** Options of a splicer that can cross to a worker. */
export interface PortableSplicerOptions extends Omit<PortableRunnerOptions, "taps"> {
  /** Hookpoints or tensors that a dictionary reads. */
  inputs: readonly string[];
  /** Hookpoints or tensors that it replaces. */
  targets: readonly string[];
  /** Weights above this are not copied to another part. */
  cheapBytes?: number;
}

/** What is asked of a splicer; see its interface. */
export type SpliceCall =
  | { method: "clean"; ids: Int32Array; batch: number; length: number }
  | { method: "replace"; values: readonly (Float32Array | undefined)[]; mask?: Float32Array }
  | { method: "replaceNext"; target: number; value: Float32Array; mask?: Float32Array };

/** Owner to worker. Answers carry the same id. */
export type RunnerRequest =
  | { id: number; kind: "open"; options: PortableRunnerOptions }
  | { id: number; kind: "run"; ids: Int32Array; batch: number; length: number }
  | { id: number; kind: "open_splicer"; options: PortableSplicerOptions }
  | { id: number; kind: "splice"; call: SpliceCall }
  | { id: number; kind: "close" };

/** Worker to owner. */
export type RunnerAnswer =
  | { id: number; kind: "opened"; provider: ConcreteProvider; taps: readonly string[] }
  | { id: number; kind: "ran"; arrays: Float32Array[] }
  | { id: number; kind: "opened_splicer"; facts: SplicerFacts }
  | { id: number; kind: "spliced"; result: CleanRun | SplicedRun | SplicedStep }
  | { id: number; kind: "closed" }
  | { id: number; kind: "failed"; error: PortableError };
