/**
 * Transcoders: what one hookpoint holds is reconstructed from another one, under any gate and encoder; a skip transcoder
 * has a matrix from input to output beside the code. Source: architectures spec, section 9.
 * @module
 */
import { skipConnection } from "../blocks/decoders/skip.ts";
import { defineFamily, denseRecord } from "./family.ts";
import { initialTranscoder } from "./initial.ts";
import { nestedDecoder, recordedPrefixes } from "./nested.ts";
import type { ModelFamily, ModelOptions } from "./types.ts";

function declare(
  about: Pick<ModelFamily, "type" | "doc" | "formula" | "source">,
  skip: boolean,
): ModelFamily {
  return defineFamily({
    ...about,
    needs: { target: "other", layers: false, sequences: false },
    defaults: { kind: "transcoder", activation: "topk", inputBias: false, unitRows: false, skip },
    initial: initialTranscoder,
    parts: (options: ModelOptions) => ({
      ...options.skip ? { bypass: ({ gpu, space }) => skipConnection(gpu, space) } : {},
      ...options.prefixes ? nestedDecoder(options) : {},
    }),
    record: (options, values, state) => ({
      ...denseRecord(options, values, state),
      ...options.skip ? { wSkip: values.get("W_skip") } : {},
      ...options.prefixes ? recordedPrefixes(options) : {},
    }),
  });
}

/** The transcoder family. */
export const transcoder: ModelFamily = declare({
  type: "transcoder",
  doc: "From one hookpoint to another, such as from the input of an MLP to its output",
  formula:
    "h = x W_encᵀ + b_enc; ŷ = f W_dec + b_dec; L = FVU + AuxK / 32, or mean ‖y - ŷ‖² + penalty",
  source:
    "Dunefsky, Chlenski and Nanda (2024), Transcoders find interpretable LLM feature circuits; the start with a decoder of zeros is that of EleutherAI's sparsify.",
}, false);

/** The skip transcoder family. */
export const skipTranscoder: ModelFamily = declare({
  type: "skip_transcoder",
  doc: "A transcoder with a matrix from the input to the output beside the code",
  formula:
    "h = x W_encᵀ + b_enc; ŷ = f W_dec + b_dec + x W_skipᵀ; L = FVU + AuxK / 32, or mean ‖y - ŷ‖² + penalty",
  source:
    "Paulo, Shabalin and Belrose (2025), Transcoders beat sparse autoencoders for interpretability. W_skip starts at zero and is trained with the rest.",
}, true);
