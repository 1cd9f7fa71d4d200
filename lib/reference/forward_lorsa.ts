/**
 * The forward pass of a record of low-rank sparse attention in float64: scores by definition, then as in `forward_record`.
 * @module
 */
import { activate, type ForwardRecord, type ForwardResult } from "./forward_record.ts";
import { lorsaScores } from "./lorsa.ts";
import { rotaryAngles, type Waves } from "./rope_rows.ts";
import type { Matrix } from "./types.ts";

/** What the formula needs of a dictionary. */
export interface ForwardAttention
  extends Pick<ForwardRecord, "dIn" | "dOut" | "dSae" | "wDec" | "bDec" | "activation"> {
  /** Rows of a sequence. */
  readonly context: number;
  /** Query-key heads. */
  readonly heads: number;
  /** Divisor of the scores. */
  readonly scale: number;
  /** Added to the mean of squares in the norms. */
  readonly eps: number;
  /** Rotary positions. */
  readonly rotary?: Waves & { readonly adjacentPairs: boolean; readonly copies: number };
  /** Queries, keys and values, row-major [·, dIn], with their biases. */
  readonly wQ: ArrayLike<number>;
  readonly bQ: ArrayLike<number>;
  readonly wK: ArrayLike<number>;
  readonly bK: ArrayLike<number>;
  readonly wV: ArrayLike<number>;
  readonly bV: ArrayLike<number>;
  /** Gains of the norms of queries and keys. */
  readonly lnQ?: ArrayLike<number>;
  readonly lnK?: ArrayLike<number>;
  /** Whether selection looks at scores times decoder row norms. */
  readonly gateByDecoderNorm: boolean;
}

function matrixOf(data: ArrayLike<number>, cols: number): Matrix {
  const all = Float64Array.from(data);
  return Array.from(
    { length: all.length / cols },
    (_, r) => all.subarray(r * cols, (r + 1) * cols),
  );
}

/** Runs a record on whole sequences `x` [rows, dIn]. */
export function forwardLorsa(record: ForwardAttention, x: ArrayLike<number>): ForwardResult {
  const { dIn, dOut, dSae, rotary, lnQ, lnK } = record;
  const matrix = (data: ArrayLike<number>) => matrixOf(data, dIn);
  const vector = (data: ArrayLike<number>) => Float64Array.from(data);
  const scores = lorsaScores(
    matrix(x),
    {
      wQ: matrix(record.wQ),
      bQ: vector(record.bQ),
      wK: matrix(record.wK),
      bK: vector(record.bK),
      wV: matrix(record.wV),
      bV: vector(record.bV),
      lnQ: lnQ && vector(lnQ),
      lnK: lnK && vector(lnK),
    },
    {
      heads: record.heads,
      length: record.context,
      scale: record.scale,
      eps: record.eps,
      turning: rotary && { ...rotary, angles: rotaryAngles(rotary) },
    },
  );
  const decoder = matrixOf(record.wDec, dOut);
  const norms = decoder.map((row) =>
    record.gateByDecoderNorm ? Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)) || 1 : 1
  );
  const latents = new Float64Array(scores.length * dSae);
  const reconstruction = new Float64Array(scores.length * dOut);
  scores.forEach((row, r) => {
    const active = activate(record.activation, row.map((s, i) => s * norms[i]));
    const y = reconstruction.subarray(r * dOut, (r + 1) * dOut);
    y.forEach((_, j) => y[j] = record.bDec[j]);
    active.forEach((value, i) => {
      const f = value / norms[i];
      latents[r * dSae + i] = f;
      if (f !== 0) decoder[i].forEach((w, j) => y[j] += f * w);
    });
  });
  return { latents, reconstruction };
}
