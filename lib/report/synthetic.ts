/**
 * Trains families on planted features and measures what they found, several seeds each.
 * @module
 */
import { join } from "node:path";
import type { OnProgress } from "../base/progress.ts";
import { type Entrant, entrantConfig, entrantName } from "../config/entrants.ts";
import type { PlacedKeys } from "../config/place.ts";
import { meanRow } from "../blocks/norms/geometric_median.ts";
import { type PresetName, PRESETS, type SyntheticSpec } from "../evals/synthetic.ts";
import { evaluateSynthetic } from "../evals/synthetic_evaluate.ts";
import { syntheticBatches, type SyntheticTask, syntheticTask } from "../evals/synthetic_task.ts";
import { openGpu } from "../gpu/device.ts";
import { openDictionary, type OpenedDictionary } from "../interop/detect.ts";
import { familyOf } from "../models/mod.ts";
import { sha256 } from "../files/hash.ts";
import type { TrainInputs } from "../train/inputs.ts";
import { finishedRun } from "./finished_run.ts";
import { untrainedRecord } from "./untrained.ts";

/** How a preset is trained; everything is a default that keys on the command line replace. */
interface PresetTraining {
  /** Active latents a token. */
  l0: number;
  /** Layers of families that have several. */
  layers: number;
  /** Tokens of a sequence of families that need whole ones. */
  context: number;
  /** Held-out rows. */
  evalRows: number;
  /** Keys of the configuration. */
  keys: Readonly<Record<string, unknown>>;
}

/** L0 is the number of features that fire on a mean row, rounded. */
const TRAINING: Readonly<Record<PresetName, PresetTraining>> = {
  tiny: {
    l0: 3,
    layers: 2,
    context: 16,
    evalRows: 4096,
    keys: {
      "dictionary.d_sae": 72,
      "train.training_tokens": 200_000,
      "train.batch_tokens": 128,
      "optimizer.lr": 1e-2,
    },
  },
  small: {
    l0: 3,
    layers: 2,
    context: 16,
    evalRows: 16384,
    keys: {
      "dictionary.d_sae": 1056,
      "train.training_tokens": 500_000,
      "train.batch_tokens": 256,
      "optimizer.lr": 5e-3,
    },
  },
};

/** What is trained. */
export interface SyntheticRequest {
  /** What is planted. */
  preset: PresetName;
  /** Families. */
  entrants: readonly Entrant[];
  /** Seeds, of data and of first weights. */
  seeds: readonly number[];
  /** Folder under which each run has its own. */
  path: string;
  /** Keys that were written down. */
  placed: [string, unknown][];
  /** Train anew what is finished. */
  overwrite: boolean;
}

/** Figures of one run. */
export interface SyntheticRun {
  /** Family, see `entrantName`. */
  name: string;
  /** Seed. */
  seed: number;
  /** Values by metric. */
  figures: Record<string, number | null>;
  /** The same of the first weights. */
  untrained: Record<string, number | null>;
}

/** What was found. */
export interface SyntheticOutcome {
  /** What was planted. */
  preset: PresetName;
  /** Active latents that were asked for. */
  l0: number;
  /** Rows that each was trained on. */
  trainingTokens: number;
  /** Runs that are done, by family and seed. */
  runs: SyntheticRun[];
  /** False when it was stopped; the same request goes on. */
  finished: boolean;
}

/** How it speaks with its caller. */
export interface SyntheticHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop. */
  signal?: AbortSignal;
}

/**
 * Trains and measures.
 * @throws SdmError for bad input
 */
export async function runSynthetic(
  request: SyntheticRequest,
  hooks: SyntheticHooks,
): Promise<SyntheticOutcome> {
  const { preset, entrants, seeds } = request;
  const { l0, keys } = TRAINING[preset];
  const placed: PlacedKeys = new Map([...Object.entries(keys), ...request.placed]);
  const wanted = Number(placed.get("dictionary.k") ?? placed.get("dictionary.target_l0") ?? l0);
  const outcome: SyntheticOutcome = {
    preset,
    l0: wanted,
    trainingTokens: Number(placed.get("train.training_tokens")),
    runs: [],
    finished: false,
  };
  for (const entrant of entrants) {
    for (const seed of seeds) {
      const name = entrantName(entrant);
      const tell: OnProgress = (event) =>
        hooks.onProgress({ ...event, stage: `${name}, seed ${seed}: ${event.stage}` });
      const run = await oneRun(entrant, seed, { ...request, placed, l0: wanted }, {
        ...hooks,
        onProgress: tell,
      });
      if (!run) return outcome;
      outcome.runs.push({ name, seed, ...run });
    }
  }
  return { ...outcome, finished: true };
}

type Found = Pick<SyntheticRun, "figures" | "untrained">;

async function oneRun(
  entrant: Entrant,
  seed: number,
  { preset, path, placed, l0, overwrite }: Omit<SyntheticRequest, "placed"> & {
    placed: PlacedKeys;
    l0: number;
  },
  hooks: SyntheticHooks,
): Promise<Found | undefined> {
  const { layers, context, evalRows } = TRAINING[preset];
  const name = entrantName(entrant);
  const { config } = entrantConfig(
    new Map([...placed, ["seed", seed], ["data.context_size", context]]),
    entrant,
    {
      l0,
      layers,
      outputPath: join(path, `${preset}-${name.replace(":", "-")}-seed${seed}`),
      source: "command line",
      inputs: false,
    },
  );
  const { needs } = familyOf(entrant.type);
  const task = syntheticTask(PRESETS[preset], seed, { needs, layers, context });
  const inputs = openSynthetic(PRESETS[preset], seed, task, needs.layers ? layers : undefined);
  const open = () => Promise.resolve(inputs(config.train.batch_tokens));
  const manifest = await finishedRun(config, { overwrite, open }, hooks);
  if (!manifest || hooks.signal?.aborted) return undefined;
  return await measure(await openDictionary(config.output_path), task, evalRows);
}

function openSynthetic(
  spec: SyntheticSpec,
  seed: number,
  task: SyntheticTask,
  layers: number | undefined,
) {
  const { d } = spec;
  const facts = { synthetic: spec, seed };
  return (batchRows: number): TrainInputs => ({
    batches: syntheticBatches(task, batchRows),
    widths: { dIn: d, dOut: d, layers, contextSize: task.rowUnit > 1 ? task.rowUnit : undefined },
    provenance: { hookpoint: task.points[0].name },
    facts,
    sha256: sha256(JSON.stringify(facts)),
    close: () => Promise.resolve(),
  });
}

async function measure(
  opened: OpenedDictionary,
  task: SyntheticTask,
  rows: number,
): Promise<Found> {
  const gpu = await openGpu();
  try {
    const table = async (record: OpenedDictionary["record"]) =>
      Object.fromEntries(
        (await evaluateSynthetic(gpu, record, task, rows)).map(({ name, value }) => [name, value]),
      );
    const { points } = task.rows(0, 1024);
    const each = task.points.map(({ d, role }, p) => ({ d, role, x: points[p] }));
    const targets = each.filter(({ role }) => role === "target");
    const untrained = untrainedRecord(opened)!({
      bDec: (targets.length > 0 ? targets : each).map(({ d, x }) => meanRow(x, d)),
      meanInput: each.filter(({ role }) => role !== "target").map(({ d, x }) => meanRow(x, d)),
      sample: points[0],
      scales: points.map(() => 1),
    });
    return { figures: await table(opened.record), untrained: await table(untrained) };
  } finally {
    gpu.close();
  }
}
