/**
 * The run's manifest: what was run, on what, with which data; enough to repeat it and to refuse a wrong continuation.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { writeJson } from "../files/atomic.ts";
import { exists, readJson } from "../files/documents.ts";
import { sha256 } from "../files/hash.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import type { Provenance } from "../models/record.ts";
import type { planError, RunPlan } from "./planned.ts";

/** `manifest.json` of a run. */
export interface RunManifest {
  /** Always `sdm-run`. */
  format: "sdm-run";
  /** Version of this layout. */
  version: 1;
  /** Program that wrote it. */
  tool: string;
  /** When the run was started. */
  created: string;
  /** When it ended; absent while it has not. */
  finished?: string;
  /** SHA-256 of the resolved configuration, output folder apart. */
  config_sha256: string;
  /** The adapter. */
  adapter: DeviceFacts;
  /** Factors of the points of a batch (inputs, then targets), folded into the final weights. */
  input_scales: number[];
  /** Mean square of the scaled targets about their mean, where the loss divides by it; else 1. */
  target_variance?: number;
  /** Where the activations come from. */
  provenance: Provenance;
  /** Facts about the data: hashes, counts of dropped rows. */
  data: Record<string, unknown>;
  /** SHA-256 of the text's files, or of the store's. */
  data_sha256: string;
  /**
   * Seconds in the training loop, how many of them it waited for data, and how many the source of the data (a model in a
   * worker, or a disk) had nothing to do, absent where both share a device; summed over resumed parts.
   */
  seconds?: { training: number; waiting: number; idle?: number };
  /** Tokens a second of the training loop. */
  tokens_per_second?: number;
  /** Highest sum of all buffers on the device, in bytes. */
  peak_gpu_bytes?: number;
  /** What the run expected to need: memory from its shapes, time from its first steps. */
  plan?: RunPlan;
  /** By how much it needed more than planned, as shares of the plan. */
  plan_error?: ReturnType<typeof planError>;
  /** Seconds by kernel, where timing was asked for and the adapter can. */
  kernel_seconds?: Record<string, number>;
}

/** How runs wrote their factor when there was one point only. */
export interface OneScale {
  /** The factor. */
  input_scale?: number;
  /** All factors, since there are several. */
  input_scales?: number[];
}

/** The factors of a manifest or of a checkpoint's state, also of those that know a single one. */
export function scalesOf({ input_scales, input_scale }: OneScale): number[] {
  return input_scales ?? (input_scale === undefined ? [] : [input_scale]);
}

/** Hash of what decides a run's bits: the resolved configuration without its output folder. */
export function configSha256(config: ResolvedConfig): string {
  const { output_path: _, gpu: __, report: ___, ...rest } = config;
  // Where inputs lie does not count; that they are the same is checked by their own hashes.
  const places = { onnx: undefined, hub: undefined, dtype: undefined, tokenizer: undefined };
  const model = { ...rest.model, ...places, threads: undefined };
  const texts = { text: undefined, eval_text: undefined, activations: undefined };
  const dataset = {
    dataset: undefined,
    dataset_config: undefined,
    dataset_split: undefined,
    dataset_whole: undefined,
  };
  const data = { ...rest.data, ...texts, ...dataset };
  // Keys are sorted: a configuration read back from config.json has them in another order.
  const sorted = (_: string, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
      : value;
  return sha256(JSON.stringify({ ...rest, model, data }, sorted));
}

/** A table with its own keys, not those inside, spelt as files have them: `modelSha256` is `model_sha256`. */
function inFile(table: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

/** The same as code spells them; older files have them so already. */
function inCode<T>(table: T): T {
  return Object.fromEntries(
    Object.entries(table as object).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  ) as T;
}

/** Writes the manifest, atomically. */
export async function writeManifest(run: string, manifest: RunManifest): Promise<void> {
  const { adapter, provenance } = manifest;
  const written = { ...manifest, adapter: inFile(adapter), provenance: inFile(provenance) };
  await writeJson(join(run, "manifest.json"), written);
}

/**
 * Reads the manifest of a run.
 * @throws SdmError when the folder holds no run
 */
export async function readManifest(run: string): Promise<RunManifest> {
  const path = join(run, "manifest.json");
  if (!await exists(path)) {
    throw new SdmError(`Cannot open run "${run}": there is no manifest.json in it`);
  }
  const manifest = await readJson(path, "manifest") as RunManifest & OneScale;
  if (manifest?.format !== "sdm-run") {
    throw new SdmError(`Cannot open run "${run}": manifest.json is not that of a run`);
  }
  return {
    ...manifest,
    adapter: inCode(manifest.adapter ?? {}),
    provenance: inCode(manifest.provenance ?? {}),
    input_scales: scalesOf(manifest),
  };
}
