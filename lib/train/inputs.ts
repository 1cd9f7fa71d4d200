/**
 * Opens what a configuration names as its data: an activation store, or a model with text.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { FAMILIES } from "../config/families.ts";
import type { WidthFacts } from "../config/resolve.ts";
import { hookpointNames, textOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import { modelSource } from "../data/model_source.ts";
import { rowNormalised } from "../data/norm.ts";
import { commonWidths, hookpointsOf } from "../data/points.ts";
import { type ShuffledBatches, shuffledBatches } from "../data/shuffled_batches.ts";
import { openStore, type Store } from "../data/store_reader.ts";
import { storeSource } from "../data/store_source.ts";
import { type OpenHooks, openTextInputs, provenanceOf } from "../data/text_inputs.ts";
import type { BlockSource } from "../data/types.ts";
import { contextSizeOf } from "../data/whole_contexts.ts";
import { sha256 } from "../files/hash.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Provenance } from "../models/record.ts";
import { expandPatterns } from "../onnx/patterns.ts";
import { type LoadMeter, meterLoads } from "./load_meter.ts";

/** Blocks of activations on the dictionary's device. */
export interface DeviceBlocks {
  /** Widths of the points. */
  widths: readonly number[];
  /** Rows of a block. */
  blockRows: number;
  /** Rows of a run of the model. */
  runRows: number;
}

/** The blocks of a model that runs on the dictionary's device. */
export function deviceBlocksOf(
  { data }: Config,
  blockRows: number,
  points: readonly { d: number }[],
): DeviceBlocks {
  const runRows = data.harvest_contexts * data.context_size;
  return { widths: points.map(({ d }) => d), blockRows, runRows };
}

/** Opened data of a run. */
export interface TrainInputs {
  /** Batches of every step: matrices of the inputs, then of what is to be reconstructed. */
  batches: ShuffledBatches;
  /** Widths and layers that defaults depend on. */
  widths: WidthFacts;
  /** Where the activations come from, for exports. */
  provenance: Provenance;
  /** Facts for the manifest. */
  facts: Record<string, unknown>;
  /** SHA-256 of the text's files, or of the store's. */
  sha256: string;
  /** Counts what is read or made. */
  loads?: LoadMeter;
  /** Blocks on the dictionary's device, where the model runs there. */
  deviceBlocks?: DeviceBlocks;
  /** Frees model, files and workers. */
  close(): Promise<void>;
}

/**
 * Opens the data of a training run.
 * @param steps steps of the run, so that nothing is read ahead beyond the last
 * @param gpu the dictionary's device, on which a model of the provider `webgpu` runs too
 * @throws SdmError for whatever is missing, damaged or too small, and when it is stopped
 */
export async function openTrainInputs(
  config: Config,
  steps: number,
  hooks: OpenHooks,
  gpu?: Gpu,
): Promise<TrainInputs> {
  const batchRows = config.train.batch_tokens;
  const blockRows = Math.max(1, Math.round(config.data.buffer_tokens / batchRows)) * batchRows;
  const shape = { seed: config.seed, blockRows, batchRows };
  const loads = meterLoads();
  const { source, ...opened } = config.data.activations
    ? await fromStore(config, shape)
    : await fromText(config, { ...shape, gpu }, hooks, loads.meter);
  try {
    const { dIn, dOut, layers } = commonWidths(source.points);
    const { points, sequences } = FAMILIES[config.dictionary.type];
    if (points !== "layers" && layers > 1) {
      throw new SdmError(
        `Cannot train a dictionary of type "${config.dictionary.type}" on ${layers} hookpoints ` +
          `("${config.model.hookpoint}"): one is needed`,
      );
    }
    const how = config.dictionary.normalize_activations;
    const plain = shuffledBatches(loads.of(source), { batchRows, seed: config.seed, steps });
    const batches = how === "token" || how === "layer_norm" ? rowNormalised(plain, how) : plain;
    return {
      batches,
      widths: {
        dIn,
        dOut,
        layers: points === "layers" ? layers : undefined,
        contextSize: sequences ? source.unitRows : undefined,
      },
      ...opened,
      loads: loads.meter,
      ...source.onDevice && { deviceBlocks: deviceBlocksOf(config, blockRows, source.points) },
      close: () => batches.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

type Shape = { seed: number; blockRows: number; batchRows: number };
type Opened = { source: BlockSource } & Pick<TrainInputs, "provenance" | "facts" | "sha256">;

/** Names of the store's points that the family reads: those that are told, else by the roles of the store's points. */
function storeNames(store: Store, config: Config): { points: string[]; targets: string[] } {
  const all = store.manifest.points;
  const known = all.map((point) => point.name);
  const doing = `Cannot train on activation store "${store.path}"`;
  const named = hookpointNames(config);
  const { points: kind } = FAMILIES[config.dictionary.type];
  const few = kind === "layers" ? all.length : 1;
  const pick = (names: readonly string[], role: "input" | "target") =>
    names.length > 0
      ? expandPatterns(names, known, doing)
      : all.filter((point) => (point.role ?? "input") === role)
        .map((point) => point.name).slice(0, few);
  const points = pick(named.inputs, "input");
  if (kind === "one") {
    return { points: points.length > 0 ? points : known.slice(0, 1), targets: [] };
  }
  const targets = pick(named.outputs, "target");
  const missing = points.length === 0 ? "input" : targets.length === 0 ? "target" : undefined;
  if (missing === undefined) return { points, targets };
  const key = `model.hookpoint${kind === "layers" ? "s" : ""}${missing === "target" ? "_out" : ""}`;
  throw new SdmError(
    `${doing}: none of its points is marked as ${missing} of a dictionary, ${key} is needed`,
    { hint: `it has ${known.join(", ")}` },
  );
}

async function fromStore(config: Config, shape: Shape): Promise<Opened> {
  const store = await openStore(config.data.activations as string);
  const { sequences } = FAMILIES[config.dictionary.type];
  const { drop_first, exclude_tokens } = config.data;
  const source = await storeSource(store, {
    ...shape,
    ...storeNames(store, config),
    sequences: sequences ? { dropFirst: drop_first, excludeTokens: exclude_tokens } : undefined,
  });
  const { manifest } = store;
  const text = (value: unknown) => typeof value === "string" ? value : undefined;
  return {
    source,
    provenance: {
      ...hookpointsOf(source.points),
      modelName: text(manifest.model.id),
      modelSha256: text(manifest.model.onnx_sha256),
      tokenizerSha256: text(manifest.tokenizer.sha256),
      contextSize: contextSizeOf(store),
      prependBos: manifest.tokenizer.prepend_bos === true,
      droppedPositions: sequences && drop_first ? [0] : manifest.dropped.positions,
      droppedTokens: sequences && exclude_tokens !== "special"
        ? exclude_tokens
        : manifest.dropped.tokens,
      data: text(manifest.data.id),
    },
    facts: source.describe(),
    sha256: sha256(manifest.shards.map((shard) => shard.sha256).join()),
  };
}

async function fromText(
  config: Config,
  shape: Shape & { gpu?: Gpu },
  hooks: OpenHooks,
  meter: LoadMeter,
): Promise<Opened> {
  const device = shape.gpu?.device;
  const inputs = await openTextInputs({ ...textOptions(config, "train"), device }, hooks);
  const first = firstBlock(hooks.onProgress);
  try {
    const { tokens, kept, counted, runner, points, contextsPerRun, facts } = inputs;
    const source = modelSource({
      ...shape,
      tokens,
      kept,
      counted,
      runner,
      points,
      contextsPerRun,
      facts,
      sequences: counted !== undefined,
      onRows: (done, rows) => {
        meter.onRows(done);
        first(done, rows);
      },
    });
    return {
      source,
      provenance: provenanceOf(inputs),
      facts: source.describe(),
      sha256: String(inputs.facts.data.sha256),
    };
  } catch (error) {
    await inputs.close();
    throw error;
  }
}

/** Tells of the first block only: training waits for it, and later ones are made while it goes on. */
function firstBlock(onProgress: OnProgress): (done: number, rows: number) => void {
  let whole = false;
  return (done, rows) => {
    if (!whole) onProgress({ stage: "first activations", done, total: rows, unit: "tokens" });
    whole ||= done === rows;
  };
}
