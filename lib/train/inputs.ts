/**
 * Opens what a configuration names as its data: an activation store, or a model with text.
 * @module
 */
import type { OnProgress } from "../base/progress.ts";
import { textOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import { modelSource } from "../data/model_source.ts";
import { type ShuffledBatches, shuffledBatches } from "../data/shuffled_batches.ts";
import { openStore } from "../data/store_reader.ts";
import { storeSource } from "../data/store_source.ts";
import { openTextInputs, provenanceOf } from "../data/text_inputs.ts";
import { sha256 } from "../files/hash.ts";
import type { BlockSource } from "../data/types.ts";
import type { Provenance } from "../models/record.ts";

/** Opened data of a run. */
export interface TrainInputs {
  /** Batches of every step. */
  batches: ShuffledBatches;
  /** Width of the activations. */
  d: number;
  /** Where they come from, for exports. */
  provenance: Provenance;
  /** Facts for the manifest. */
  facts: Record<string, unknown>;
  /** SHA-256 of the text's files, or of the store's. */
  sha256: string;
  /** Frees model, files and workers. */
  close(): Promise<void>;
}

/**
 * Opens the data of a training run.
 * @param steps steps of the run, so that nothing is read ahead beyond the last
 * @throws SdmError for whatever is missing, damaged or too small
 */
export async function openTrainInputs(
  config: Config,
  steps: number,
  onProgress: OnProgress,
): Promise<TrainInputs> {
  const batchRows = config.train.batch_tokens;
  const blockRows = Math.max(1, Math.round(config.data.buffer_tokens / batchRows)) * batchRows;
  const shape = { seed: config.seed, blockRows, batchRows };
  const { source, ...opened } = config.data.activations
    ? await fromStore(config, shape)
    : await fromText(config, shape, onProgress);
  const batches = shuffledBatches(source, { batchRows, seed: config.seed, steps });
  return {
    batches,
    d: source.points[0].d,
    ...opened,
    close: () => batches.close(),
  };
}

type Shape = { seed: number; blockRows: number; batchRows: number };
type Opened = { source: BlockSource } & Pick<TrainInputs, "provenance" | "facts" | "sha256">;

async function fromStore(config: Config, shape: Shape): Promise<Opened> {
  const store = await openStore(config.data.activations as string);
  const wanted = config.model.hookpoint;
  const points = wanted ? [wanted] : [store.manifest.points[0].name];
  const source = await storeSource(store, { ...shape, points });
  const { manifest } = store;
  const text = (value: unknown) => typeof value === "string" ? value : undefined;
  return {
    source,
    provenance: {
      hookpoint: source.points[0].name,
      tensor: source.points[0].tensor,
      modelName: text(manifest.model.id),
      modelSha256: text(manifest.model.onnx_sha256),
      tokenizerSha256: text(manifest.tokenizer.sha256),
      contextSize: Number(manifest.data.ctx_len) || undefined,
      prependBos: manifest.tokenizer.prepend_bos === true,
      droppedPositions: manifest.dropped.positions,
      droppedTokens: manifest.dropped.tokens,
      data: text(manifest.data.id),
    },
    facts: source.describe(),
    sha256: sha256(manifest.shards.map((shard) => shard.sha256).join()),
  };
}

async function fromText(config: Config, shape: Shape, onProgress: OnProgress): Promise<Opened> {
  const inputs = await openTextInputs(textOptions(config, "train"), onProgress);
  try {
    const source = modelSource({
      ...shape,
      tokens: inputs.tokens,
      kept: inputs.kept,
      runner: inputs.runner,
      points: [inputs.point],
      contextsPerRun: inputs.contextsPerRun,
      facts: inputs.facts,
      onRows: firstBlock(onProgress),
    });
    return {
      source,
      provenance: provenanceOf(inputs),
      facts: source.describe(),
      sha256: String(inputs.facts.data.sha256),
    };
  } catch (error) {
    await inputs.runner.close();
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
