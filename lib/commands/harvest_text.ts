/**
 * Text to an activation store: opens what a configuration names and hands it to the data room.
 * @module
 */
import { resolve } from "node:path";
import { SdmError } from "../base/errors.ts";
import { TOOL } from "../base/version.ts";
import { textOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import { refuseWholeStore } from "../data/harvest_state.ts";
import { type HarvestResult, harvestToStore } from "../data/store_writer.ts";
import { openTextInputs } from "../data/text_inputs.ts";
import type { WorkHooks } from "./library.ts";

/** What is harvested. */
export interface HarvestRequest {
  /** Model, text, contexts, masks. */
  config: Config;
  /** Folder of the store. */
  out: string;
  /** Remove an older store in the folder. */
  overwrite: boolean;
}

/** How a harvest ended. */
export interface HarvestOutcome extends HarvestResult {
  /** Folder of the store. */
  path: string;
  /** Width of a row of the first point. */
  d: number;
  /** Names and widths of the points. */
  points: readonly { name: string; d: number }[];
}

/**
 * Runs the training text of `config` through its model into a store. Without `data.eval_text`, the part of the text
 * that is held out stays outside of the store.
 * @throws SdmError for bad input, or a folder that holds another store
 */
export async function harvestText(
  { config, out, overwrite }: HarvestRequest,
  hooks: WorkHooks,
): Promise<HarvestOutcome> {
  const { data } = config;
  const path = resolve(out);
  if (!overwrite) await refuseWholeStore(path);
  const options = textOptions(config, "train", data.max_tokens ?? Infinity);
  const inputs = await openTextInputs(options, hooks);
  try {
    checkDistinct(inputs.points.map((point) => point.name));
    const result = await harvestToStore(
      { ...inputs, ...inputs.facts, path, tool: TOOL, overwrite },
      hooks.onProgress,
      hooks.signal,
    );
    const points = inputs.points.map(({ name, d }) => ({ name, d }));
    return { ...result, path, d: inputs.point.d, points };
  } finally {
    await inputs.close();
  }
}

/** A store has a tensor a point, by its name. */
function checkDistinct(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return;
  throw new SdmError(`Cannot harvest "${twice}" twice: different hookpoints are needed`);
}
