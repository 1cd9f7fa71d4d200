/**
 * A language model with its tokenizer and its taps, opened together.
 * @module
 */
import { sha256File } from "../files/hash.ts";
import { hubOrigin } from "../files/hub_names.ts";
import { contextLimit } from "../onnx/describe.ts";
import { loadModel } from "../onnx/graph.ts";
import { expandHookpoints } from "../onnx/hookpoints.ts";
import { spawnRunner } from "../onnx/remote.ts";
import { createRunner } from "../onnx/runner.ts";
import type { ModelRunner, ProviderName } from "../onnx/types.ts";
import { loadTokenizer, type TokenizerHandle } from "../text/tokenizer.ts";
import type { PointFacts } from "./types.ts";

/** What to open. */
export interface TappedModelOptions {
  /** ONNX file. */
  model: string;
  /** tokenizer.json; default the one beside the model. */
  tokenizer?: string;
  /** Hookpoints or tensors; `*` in a name stands for every layer. */
  inputs: readonly string[];
  /** The same for what is to be reconstructed, where that is something else. */
  outputs?: readonly string[];
  /** Which ONNX Runtime. */
  provider: ProviderName;
  /** Threads of the model. */
  threads?: number;
  /** Where `webgpu` is to run and to leave its activations; without it, and for the others, a worker of its own. */
  device?: GPUDevice;
  /** Whether contexts start with BOS. */
  prependBos: boolean | "auto";
  /** Token ids whose rows are left out; `special` means all that the tokenizer calls so. */
  excludeTokens: "special" | readonly number[];
}

/** A model that is ready to run. */
export interface TappedModel {
  /** The tokenizer. */
  tokenizer: TokenizerHandle;
  /** The model, in a worker of its own or on the device that was given; close it when done. */
  runner: ModelRunner;
  /** The places that are tapped: inputs, then what is to be reconstructed. */
  points: readonly PointFacts[];
  /** The first of them. */
  point: PointFacts;
  /** Tokens of the longest context that it takes, where the graph tells. */
  contextLimit?: number;
  /** Whether contexts start with BOS. */
  prependBos: boolean;
  /** Token ids whose rows are left out. */
  excludeTokens: readonly number[];
  /** Facts for manifests. */
  facts: { model: ModelFacts; tokenizer: Record<string, unknown> };
}

/** What a manifest says of a model. */
export interface ModelFacts extends Record<string, unknown> {
  /** Folder and file. */
  id: string;
  /** SHA-256 of the ONNX file. */
  onnx_sha256: string;
}

/**
 * Whether contexts start with BOS: as told, or for "auto" where the tokenizer has a BOS that is not its EOS too, as
 * models that saw one in front of each text do (Llama, Gemma), and GPT-2 does not.
 */
function prependsBos(
  told: boolean | "auto",
  tokenizer: { bosId?: number; eosId?: number },
): boolean {
  if (told !== "auto") return told;
  return tokenizer.bosId !== undefined && tokenizer.bosId !== tokenizer.eosId;
}

/** What a model is called: its repository and commit where it comes from the hub, else its folder and file. */
function identityOf(onnx: string): { id: string } & Record<string, unknown> {
  const origin = hubOrigin(onnx);
  if (origin) return { id: origin.id, revision: origin.revision, onnx_file: origin.file };
  return {
    id: onnx.split(/[\\/]/).slice(-2).join("/"),
    onnx_file: onnx.replace(/^.*[\\/]/, ""),
  };
}

/**
 * Opens model and tokenizer.
 * @throws SdmError for whatever is missing, damaged or unknown
 */
export async function openTappedModel(options: TappedModelOptions): Promise<TappedModel> {
  const { model: onnx, provider, threads, device } = options;
  const beside = onnx.replace(/[^\\/]*$/, "tokenizer.json");
  const tokenizer = await loadTokenizer(options.tokenizer ?? beside);
  const model = await loadModel(onnx);
  const inputs = expandHookpoints(model, options.inputs);
  const outputs = expandHookpoints(model, options.outputs ?? []);
  const hookpoints = [...inputs, ...outputs];
  const taps = hookpoints.map((point) => point.tensor);
  const runner = device && provider === "webgpu"
    ? await createRunner({ model, taps, provider, device })
    : await spawnRunner({ model: onnx, taps, provider, threads });
  try {
    // One token tells the widths, which not every graph declares.
    const rows = await runner.run(Int32Array.of(tokenizer.encode("a")[0] ?? 0), 1, 1);
    const points = hookpoints.map(({ name, tensor }, p): PointFacts => {
      const facts = { name, tensor, d: rows[p].length };
      return p < inputs.length ? facts : { ...facts, role: "target" };
    });
    return {
      tokenizer,
      runner,
      points,
      point: points[0],
      contextLimit: contextLimit(model),
      prependBos: prependsBos(options.prependBos, tokenizer),
      excludeTokens: options.excludeTokens === "special"
        ? tokenizer.specialIds
        : options.excludeTokens,
      facts: {
        model: {
          ...identityOf(onnx),
          onnx_sha256: await sha256File(onnx),
          producer: model.producer,
          ep: runner.provider,
        },
        tokenizer: {
          sha256: tokenizer.sha256,
          vocab_size: tokenizer.vocabSize,
          special_ids: [...tokenizer.specialIds],
        },
      },
    };
  } catch (error) {
    await runner.close();
    throw error;
  }
}
