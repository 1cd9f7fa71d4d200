/**
 * Matryoshka dictionaries: every prefix of the latents reconstructs by itself, so that a trained dictionary can be cut.
 * Source: architectures spec, section 6.
 * @module
 */
import { defineFamily, denseRecord } from "./family.ts";
import { nestedDecoder, recordedPrefixes } from "./nested.ts";
import type { ModelFamily } from "./types.ts";

/** The Matryoshka family, on any gate that keeps few latents. */
export const matryoshka: ModelFamily = defineFamily({
  type: "matryoshka",
  doc:
    "Nested prefixes of one code reconstruct by themselves, L = Σ w_g L(ŷ_g); one decode for all",
  defaults: { activation: "batchtopk" },
  parts: nestedDecoder,
  record: (options, values, state) => ({
    ...denseRecord(options, values, state),
    ...recordedPrefixes(options),
  }),
});
