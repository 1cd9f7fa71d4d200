/**
 * Small runs for tests: an activation store of planted rows, a configuration over it, and what a run left on disk.
 */
import { join } from "node:path";
import { silent } from "../../lib/base/progress.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { Config } from "../../lib/config/types.ts";
import type { StoreManifest } from "../../lib/data/store_manifest.ts";
import { writeJson } from "../../lib/files/atomic.ts";
import { sha256File } from "../../lib/files/hash.ts";
import { writeSafetensors } from "../../lib/files/safetensors_write.ts";
import { runTraining, type TrainHooks } from "../../lib/train/run.ts";
import type { TrainRequest, TrainResult } from "../../lib/train/types.ts";
import { plantedRows } from "../models/planted.ts";

/** The one point of the stores of this file. */
export const POINT = "blocks.0.hook_resid_post";

/** Writes `x` [rows, d] as a store of two shards. */
export async function writeStore(
  path: string,
  x: Float32Array<ArrayBuffer>,
  d: number,
): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  const rows = x.length / d;
  const half = Math.floor(rows / 2);
  const shards: StoreManifest["shards"] = [];
  for (const [i, [first, end]] of [[0, half], [half, rows]].entries()) {
    const file = `shard-0000${i}.safetensors`;
    const data = x.slice(first * d, end * d);
    const written = await writeSafetensors(join(path, file), [
      { name: `act.${POINT}`, shape: [end - first, d], data },
    ]);
    shards.push({ file, rows: end - first, first_row: first, ...written });
  }
  const manifest: StoreManifest = {
    format: "sdm-activations",
    version: 1,
    created: "2026-01-01T00:00:00.000Z",
    tool: "test",
    model: {},
    tokenizer: {},
    data: { id: "planted" },
    points: [{ name: POINT, tap: "x", role: "input", d, dtype: "F32" }],
    dropped: { positions: [], tokens: [] },
    rows,
    order: "sequential",
    norm: { [POINT]: { mean_l2: 1, rms: 1, max_abs: 1 } },
    shards,
  };
  await writeJson(join(path, "manifest.json"), manifest);
}

/** A store of planted rows, width 24. */
export async function plantedStore(path: string, rows = 2048): Promise<void> {
  const { x, d } = plantedRows({ rows, d: 24, count: 40, active: 3, offset: 2 });
  await writeStore(path, x, d);
}

/**
 * A run of 40 steps in which k falls until step 32, many latents are dead and AuxK is at work, and checkpoints and
 * logged steps rarely coincide.
 */
export const EVENTFUL: Readonly<Record<string, unknown>> = {
  "train.training_tokens": 40 * 64,
  "train.batch_tokens": 64,
  "train.log_every": 3,
  "train.save_every": 7,
  "data.buffer_tokens": 512,
  "dictionary.d_sae": 160,
  "dictionary.k": 3,
  "dictionary.k_start": 9,
  "dictionary.k_aux": 8,
  "dictionary.dead_after_tokens": 256,
  "optimizer.lr": 3e-3,
};

/** A checked configuration over a store. */
export async function configOf(
  store: string,
  output: string,
  values: Readonly<Record<string, unknown>> = EVENTFUL,
): Promise<Config> {
  const all = { "data.activations": store, output_path: output, ...values };
  const overrides = Object.entries(all).map(([path, value]) => ({ path, value }));
  return await loadConfig({ overrides });
}

/** Trains on this thread. */
export async function train(
  config: Config,
  options: Partial<TrainRequest> = {},
  hooks: Partial<TrainHooks> = {},
): Promise<TrainResult> {
  const request = { config, resume: false, overwrite: false, ...options };
  return await runTraining(request, { onProgress: silent, ...hooks });
}

/** What two equal runs have in common on disk. */
export async function outcomeOf(run: string): Promise<{ weights: string; metrics: string }> {
  return {
    weights: await sha256File(join(run, "final", "sae_weights.safetensors")),
    metrics: await Deno.readTextFile(join(run, "metrics.jsonl")),
  };
}

/** The lines of a run's metrics. */
export async function metricsOf(run: string): Promise<Record<string, number>[]> {
  const text = await Deno.readTextFile(join(run, "metrics.jsonl"));
  return text.trim().split("\n").map((line) => JSON.parse(line));
}
