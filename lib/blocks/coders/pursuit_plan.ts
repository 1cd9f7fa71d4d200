/**
 * How a matching pursuit is computed: which of two equal forms, and in how large chunks. Pure.
 *
 * The residual form scores what is left of the rows against all latents in every iteration, panel by panel. The Gram form
 * scores once and then takes multiples of rows of W Wᵀ from the scores: so it holds the scores of some rows against ALL
 * latents, the one dense rows x latents buffer here. It is bounded by `SCORE_BUDGET`: rows come in chunks.
 * Source: architectures spec, section 7 ("Gram form").
 * @module
 */
import { SdmError } from "../../base/errors.ts";
import { formatBytes } from "../../base/format.ts";
import type { DeviceFacts } from "../../gpu/facts.ts";
import { ROW_UNIT } from "../../gpu/rows.ts";
import { roundUp } from "../../tensor/shards.ts";

/** Bytes that the scores of a chunk of rows, or what its picks give to gradients, may take. */
export const SCORE_BUDGET: number = 128 * 2 ** 20;

/** Bytes that the products of all pairs of latents may take: 16384 latents. */
export const GRAM_BUDGET: number = 2 ** 30;

/**
 * What a byte moved costs, in multiply-adds and additions of a matrix product. Rounded from adapters of both kinds: 55
 * GFLOP/s of products against 10 GB/s on two CPU cores, tens of TFLOP/s against a few TB/s on hardware.
 */
const FLOPS_OF_A_BYTE = 5;

/** What is pursued. */
export interface PursuitShape {
  /** Rows of a batch. */
  rows: number;
  /** Width. */
  d: number;
  /** Number of latents. */
  latents: number;
  /** Most picks of a row. */
  iterations: number;
  /** Whether the dictionary stays the same from batch to batch, so that its products are made once. */
  frozen: boolean;
}

/** How it is done. */
export interface PursuitPlan {
  /** The form. */
  form: "gram" | "residual";
  /** Rows whose scores against all latents are held at a time; 0 in the residual form. */
  scoreRows: number;
  /** Bytes of that buffer. */
  scoreBytes: number;
  /** Bytes of the products of all pairs of latents; 0 in the residual form. */
  gramBytes: number;
  /** Rows whose shares in the gradient are held at a time. */
  shareRows: number;
  /** Estimates for a batch, in floating-point operations of a matrix product. */
  costs: { gram: number; residual: number };
}

/** Rows of `rowBytes` that fit, a multiple of `unit` unless it is all of them; 0 when not even one unit fits. */
function chunkOf(rows: number, rowBytes: number, maxBytes: number, unit: number): number {
  const most = Math.floor(maxBytes / rowBytes);
  if (most >= rows) return rows;
  return most >= unit ? Math.floor(most / unit) * unit : 0;
}

/** Work of a batch in either form, in floating-point operations of a matrix product. */
export function pursuitCosts(shape: PursuitShape): PursuitPlan["costs"] {
  const { rows, d, latents, iterations, frozen } = shape;
  const scoring = 2 * rows * d * latents;
  const scores = rows * latents;
  // Scores are written by the product and read for their maximum; or read and written beside a row of products.
  return {
    residual: iterations * (scoring + 8 * scores * FLOPS_OF_A_BYTE),
    gram: (frozen ? 0 : 2 * latents * latents * d) + scoring +
      iterations * 12 * scores * FLOPS_OF_A_BYTE,
  };
}

/**
 * Chooses the form and the chunks.
 * @param form a form that is wanted; `auto` takes the cheaper one of those that fit
 * @throws SdmError when the form that is wanted, or the way back, does not fit
 */
export function planPursuit(
  shape: PursuitShape,
  facts: Pick<DeviceFacts, "maxBindingBytes">,
  form: PursuitPlan["form"] | "auto" = "auto",
): PursuitPlan {
  const { rows, d, latents, iterations } = shape;
  const most = Math.min(SCORE_BUDGET, facts.maxBindingBytes);
  const rowBytes = 4 * roundUp(latents, 4);
  const gramBytes = roundUp(latents, ROW_UNIT) * rowBytes;
  const scoreRows = chunkOf(rows, rowBytes, most, ROW_UNIT);
  const fits = gramBytes <= GRAM_BUDGET && ROW_UNIT * rowBytes <= facts.maxBindingBytes &&
    scoreRows > 0;
  if (form === "gram" && !fits) {
    throw new SdmError(
      `Cannot pursue with the products of all latents: ${latents} latents need ` +
        `${formatBytes(gramBytes)}, at most ${formatBytes(GRAM_BUDGET)} are allowed`,
    );
  }
  const shareBytes = 4 * roundUp(iterations, 4) * roundUp(d, 4);
  const shareRows = chunkOf(rows, shareBytes, most, 8) || chunkOf(rows, shareBytes, most, 1);
  if (shareRows === 0) {
    throw new SdmError(
      `Cannot plan a pursuit of ${iterations} iterations: the picks of a row need ` +
        `${formatBytes(shareBytes)}, one buffer holds ${formatBytes(most)}`,
      { hint: "lower dictionary.max_iterations" },
    );
  }
  const costs = pursuitCosts(shape);
  const gram = form === "gram" || (form === "auto" && fits && costs.gram < costs.residual);
  return {
    form: gram ? "gram" : "residual",
    scoreRows: gram ? scoreRows : 0,
    scoreBytes: gram ? scoreRows * rowBytes : 0,
    gramBytes: gram ? gramBytes : 0,
    shareRows,
    costs,
  };
}
