/**
 * Text to an activation store: opens what a configuration names and hands it to the data room.
 * @module
 */
import facts from "../../deno.json" with { type: "json" };
import { resolve } from "node:path";
import type { Config } from "../config/types.ts";
import { type HarvestResult, harvestToStore } from "../data/store_writer.ts";
import { corpusFingerprint, openCorpus } from "../text/corpora.ts";
import { keptPositions } from "../text/masks.ts";
import { packContexts } from "../text/packing.ts";
import type { WorkHooks } from "./library.ts";
import { openTappedModel } from "./tapped_model.ts";

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
  /** Width of a row. */
  d: number;
}

/**
 * Runs the text of `config` through its model into a store.
 * @throws SdmError for bad input, or a folder that holds another store
 */
export async function harvestText(
  { config, out, overwrite }: HarvestRequest,
  hooks: WorkHooks,
): Promise<HarvestOutcome> {
  const { data } = config;
  const path = resolve(out);
  const { tokenizer, runner, point, prependBos, excludeTokens, facts: origin } =
    await openTappedModel(config);
  try {
    const tokens = await packContexts(
      openCorpus(data.text!, { textField: data.text_field }),
      tokenizer,
      {
        contextSize: data.context_size,
        prependBos,
        maxTokens: data.max_tokens,
        onProgress: hooks.onProgress,
      },
    );
    const kept = keptPositions(tokens, { dropFirst: data.drop_first, excludeTokens });
    const result = await harvestToStore(
      {
        path,
        tokens,
        kept,
        runner,
        points: [point],
        contextsPerRun: data.harvest_contexts,
        tool: `sdm ${facts.version}`,
        ...origin,
        data: { ...await corpusFingerprint(data.text!), text_field: data.text_field },
        overwrite,
      },
      hooks.onProgress,
      hooks.signal,
    );
    return { ...result, path, d: point.d };
  } finally {
    await runner.close();
  }
}
