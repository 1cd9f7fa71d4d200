/**
 * The training shapes of the bench.
 * @module
 */
import type { TrainShape } from "./types.ts";

/** The shape of the demo: four layers of width 192. */
export const DEMO: TrainShape = { rows: 2048, d: 192, latents: 3072, k: 32 };

/** The shape of a GPT-2 dictionary. */
export const WIDE: TrainShape = { rows: 2048, d: 768, latents: 24576, k: 32 };

/** The smallest shape at which every kernel still has work for more than one group: for trying the bench itself. */
export const TINY: TrainShape = { rows: 256, d: 64, latents: 2048, k: 16 };

/**
 * Shapes of real work beside the wide one: every width, number of latents, k and batch that is usual appears, not every
 * combination.
 */
export const REAL: readonly TrainShape[] = [
  { rows: 2048, d: 384, latents: 6144, k: 32 },
  { rows: 4096, d: 768, latents: 24576, k: 64 },
  { rows: 2048, d: 768, latents: 65536, k: 32 },
  { rows: 2048, d: 768, latents: 131072, k: 64 },
  { rows: 2048, d: 2304, latents: 65536, k: 64 },
];

/** Kernels that are timed at the shapes of real work: those of a step of a dense encoder, the largest shares first. */
export const REAL_STEMS: readonly string[] = [
  "encode_gemm",
  "topk_merge",
  "topk_finish",
  "emit_panel",
  "adam",
  "decode_rows",
  "code_gradient",
  "grad_latents",
  "place_entries",
  "project_rows",
  "column_sums",
  "normalise_rows",
];
