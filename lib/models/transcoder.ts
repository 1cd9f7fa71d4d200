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

function declare(type: string, doc: string, skip: boolean): ModelFamily {
  return defineFamily({
    type,
    doc,
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
export const transcoder: ModelFamily = declare(
  "transcoder",
  "From one hookpoint to another: h = x W_encᵀ + b_enc, ŷ = f W_dec + b_dec",
  false,
);

/** The skip transcoder family. */
export const skipTranscoder: ModelFamily = declare(
  "skip_transcoder",
  "A transcoder with a matrix beside the code: ŷ = f W_dec + b_dec + x W_skipᵀ",
  true,
);
