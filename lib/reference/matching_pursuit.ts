/**
 * Matching pursuit from rows to gradients in plain float64. Source: architectures spec, section 7.
 * @module
 */
import { argmaxMerge } from "./argmax_merge.ts";
import { encodeGemm } from "./encode_gemm.ts";
import { gradPicks } from "./grad_picks.ts";
import { pursuitBack } from "./pursuit_back.ts";
import type { PickLists } from "./pursuit_finish.ts";
import { type PursuitRules, pursuitUpdate } from "./pursuit_update.ts";
import type { Entry, Matrix } from "./types.ts";

/** Numbers of a pursuit. */
export interface PursuitSettings extends PursuitRules {
  /** Most picks of a row. */
  iterations: number;
}

/** What a pursuit leaves. */
export interface Pursued {
  /** Picks of every row in their order. */
  picks: PickLists;
  /** What is left of the rows [rows, d]. */
  residual: Float64Array[];
}

/** Takes from every row less `bias`, again and again, its projection on the latent with the largest score. */
export function matchingPursuit(
  x: Matrix,
  w: Matrix,
  bias: Float64Array,
  settings: PursuitSettings,
): Pursued {
  const noBias = new Float64Array(w.length);
  const rows = x.map((row) => {
    let residual: Float64Array = row.map((v, i) => v - bias[i]);
    const picks: Entry[] = [];
    for (let t = 0; t < settings.iterations; t++) {
      const [best] = argmaxMerge(encodeGemm([residual], w, noBias));
      const updated = pursuitUpdate(residual, picks, best, w, settings);
      residual = updated.residual;
      if (updated.pick) picks.push(updated.pick);
      if (updated.stops) break;
    }
    return { picks, residual };
  });
  return { picks: rows.map((r) => r.picks), residual: rows.map((r) => r.residual) };
}

/** Gradients of W and of the bias, taken from the input and added to the output, of a loss `-scale/2 · Σ ‖residual‖²`. */
export function matchingPursuitGradients(
  { picks, residual }: Pursued,
  w: Matrix,
  scale: number,
): { w: Float64Array[]; bias: Float64Array } {
  const d = w[0].length;
  const { shares, back } = pursuitBack(picks, residual, w, scale);
  const bias = new Float64Array(d);
  residual.forEach((row, b) => row.forEach((r, i) => bias[i] += scale * r - back[b][i]));
  return { w: gradPicks(picks, shares, w.length, d), bias };
}
