/**
 * Memory of the process and room on the disk that a run needs, from its shapes.
 * @module
 */
import { dirname } from "node:path";
import { FAMILIES } from "../config/families.ts";
import type { ResolvedConfig } from "../config/types.ts";
import { freeBytes } from "../files/disk.ts";
import type { DryRun } from "./dry_run.ts";
import type { DiskForecast, HostForecast } from "./forecast_types.ts";
import type { DeviceBlocks } from "./inputs.ts";
import { MOST_STAGED_BYTES } from "./loop.ts";
import { blockRowsOf, stepsOf } from "./plan.ts";

/** What is known of the data. */
export interface DataFacts {
  /** Numbers of a row, all points together. */
  width: number;
  /** Tokens of text that are held in memory; 0 for a store. */
  tokens: number;
  /** Bytes of the language model's files; 0 for a store. */
  modelBytes: number;
  /** Batches of a store; without end where that is not known. */
  batchesPerEpoch?: number;
  /** Blocks on the dictionary's device, where the model runs there. */
  blocks?: DeviceBlocks;
}

/** The program with the libraries that training loads, before any data: measured with Deno 2.9 on Linux. */
const PROGRAM_BYTES = 400 * 2 ** 20;

/** A loaded model holds its weights, and copies of many in the layout of its kernels: measured on the demo's. */
const MODEL_FACTOR = 2;

/** Bytes of a token in memory: its id and its document. */
const TOKEN_BYTES = 8;

/** Bytes of a number in a line of metrics. */
const FIGURE_BYTES = 32;

/** Bytes of a report of usual size. */
const REPORT_BYTES = 2 ** 21;

/**
 * Memory of the process.
 * @param software whether the adapter's buffers lie in main memory too
 */
export function forecastHost(
  config: ResolvedConfig,
  dry: DryRun,
  { width, tokens, modelBytes, blocks }: DataFacts,
  software: boolean,
): HostForecast {
  const batch = config.train.batch_tokens * width * 4;
  const steps = Math.min(stepsOf(config), 2 * config.train.log_every);
  const parts = [
    { name: "program and libraries", bytes: PROGRAM_BYTES },
    { name: "language model", bytes: modelBytes * MODEL_FACTOR },
    { name: "token ids", bytes: tokens * TOKEN_BYTES },
    { name: "two blocks of activations", bytes: blocks ? 0 : 2 * blockRowsOf(config) * width * 4 },
    {
      name: "batches on their way",
      bytes: blocks ? 0 : Math.min(MOST_STAGED_BYTES, batch * steps),
    },
    // First weights on their way to the adapter, and trained ones on their way to a file.
    { name: "weights at the start and at the end", bytes: 2 * dry.weightBytes },
    { name: "buffers of the adapter, which is the CPU", bytes: software ? dry.gpu.peak_bytes : 0 },
  ].filter(({ bytes }) => bytes > 0);
  return {
    rss_bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts,
    available_bytes: Deno.systemMemoryInfo().available,
  };
}

/** The folder itself or the nearest one above it that exists. */
async function existing(folder: string): Promise<string> {
  const found = await Deno.stat(folder).then(() => true, () => false);
  return found || dirname(folder) === folder ? folder : await existing(dirname(folder));
}

/** Room on the disk. */
export async function forecastDisk(
  config: ResolvedConfig,
  dry: DryRun,
  { width, tokens }: DataFacts,
): Promise<DiskForecast> {
  const { log_every, save_every, keep_checkpoints, training_tokens } = config.train;
  const steps = stepsOf(config);
  // An old checkpoint goes when the new one is whole.
  const checkpoints = Math.min(keep_checkpoints + 1, Math.ceil(steps / save_every));
  const figures = dry.fields + 4;
  const parts = [
    { name: `${checkpoints} checkpoints`, bytes: checkpoints * dry.checkpointBytes },
    { name: "final weights", bytes: dry.weightBytes },
    { name: "metrics", bytes: Math.ceil(steps / log_every) * figures * FIGURE_BYTES },
    { name: "report", bytes: config.report.eval ? REPORT_BYTES : 0 },
  ];
  const folder = await existing(config.output_path || Deno.cwd());
  const { sequences } = FAMILIES[config.dictionary.type];
  return {
    folder,
    peak_bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts,
    store_bytes: tokens > 0 && !sequences ? training_tokens * width * 2 : undefined,
    free_bytes: await freeBytes(folder),
  };
}
