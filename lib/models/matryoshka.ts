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
    "Nested prefixes of one code reconstruct by themselves, so that the dictionary can be cut; one decode for all",
  formula: "ŷ_g = b_dec + Σ_{j < M_g} f_j W_dec[j]; L = Σ_g w_g FVU(ŷ_g) + AuxK / 32",
  source:
    "Bussmann et al. (2025), Learning multi-level features with Matryoshka sparse autoencoders, for fixed widths; drawn widths: Nabeshima (2024), Matryoshka sparse autoencoders, by a Pareto law, and Peter and Søgaard (2025), Empirical evaluation of progressive coding, uniformly.",
  defaults: { activation: "batchtopk" },
  parts: nestedDecoder,
  record: (options, values, state) => ({
    ...denseRecord(options, values, state),
    ...recordedPrefixes(options),
  }),
});
