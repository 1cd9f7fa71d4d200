/**
 * A language model with its tokenizer and one tap, as a configuration names them.
 * @module
 */
import { resolvePrependBos } from "../config/resolve.ts";
import type { Config } from "../config/types.ts";
import type { PointFacts } from "../data/types.ts";
import { sha256File } from "../files/hash.ts";
import { loadModel } from "../onnx/graph.ts";
import { resolveHookpoint } from "../onnx/hookpoints.ts";
import { spawnRunner } from "../onnx/remote.ts";
import type { ModelRunner } from "../onnx/types.ts";
import { loadTokenizer, type TokenizerHandle } from "../text/tokenizer.ts";

/** A model that is ready to run. */
export interface TappedModel {
  /** The tokenizer. */
  tokenizer: TokenizerHandle;
  /** Runs the model in a thread of its own. */
  runner: ModelRunner;
  /** The place that is tapped. */
  point: PointFacts;
  /** Whether contexts start with BOS. */
  prependBos: boolean;
  /** Token ids whose rows are left out. */
  excludeTokens: readonly number[];
  /** Facts for manifests. */
  facts: { model: Record<string, unknown>; tokenizer: Record<string, unknown> };
}

/** The tokenizer.json of a model, when the configuration names none. */
function tokenizerBeside(onnx: string): string {
  return onnx.replace(/[^\\/]*$/, "tokenizer.json");
}

/** Opens the model of `config`; close its runner when done. */
export async function openTappedModel(config: Config): Promise<TappedModel> {
  const { model, data } = config;
  const onnx = model.onnx!;
  const tokenizer = await loadTokenizer(model.tokenizer ?? tokenizerBeside(onnx));
  const loaded = await loadModel(onnx);
  const hookpoint = resolveHookpoint(loaded, model.hookpoint!);
  const runner = await spawnRunner({
    model: onnx,
    taps: [hookpoint.name],
    provider: model.provider,
    threads: model.threads,
  });
  // One token tells the width, which not every graph declares.
  const [row] = await runner.run(Int32Array.of(tokenizer.encode("a")[0] ?? 0), 1, 1);
  return {
    tokenizer,
    runner,
    point: { name: hookpoint.name, tensor: hookpoint.tensor, d: row.length },
    prependBos: resolvePrependBos(data.prepend_bos, tokenizer),
    excludeTokens: data.exclude_tokens === "special" ? tokenizer.specialIds : data.exclude_tokens,
    facts: {
      model: {
        name: onnx.replace(/^.*[\\/]/, ""),
        sha256: await sha256File(onnx),
        producer: loaded.producer,
        provider: runner.provider,
      },
      tokenizer: { sha256: tokenizer.sha256, vocab_size: tokenizer.vocabSize },
    },
  };
}
