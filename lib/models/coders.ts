/**
 * Coders by their options: which encoder under which activation.
 * @module
 */
import { denseEncoder } from "../blocks/encoders/dense.ts";
import { type Coder, createParameter } from "../blocks/types.ts";
import { activationOf } from "./activations/mod.ts";
import type { PartsContext } from "./assembly.ts";

/** Encoder parameters `W_enc`, `b_enc` under the activation of the options. */
export function denseCoder(context: PartsContext): Coder {
  const { gpu, options, space, inputBias } = context;
  const encoder = denseEncoder(gpu, space, {
    wEnc: createParameter(gpu, "W_enc", options.dSae, options.dIn),
    bEnc: createParameter(gpu, "b_enc", 1, options.dSae, { decays: false }),
    inputBias,
  });
  return activationOf(options.activation).coder(context, encoder);
}
