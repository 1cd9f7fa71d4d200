/**
 * The way back through the picks of a matching pursuit.
 * @module
 */
import type { PickLists } from "./pursuit_finish.ts";
import { dot, type Matrix } from "./types.ts";

/** What a way back finds. */
export interface WalkedBack {
  /** For every row and pick what it gives to the gradient of its latent's row, [d]. */
  shares: readonly (readonly Float64Array[])[];
  /** Residuals before the first pick [rows, d]. */
  before: Float64Array[];
  /** Derivative by the input of what the picks make of it [rows, d]. */
  back: Float64Array[];
}

/**
 * With g the derivative by the residual, which ends as -scale · residual: for every pick (j, v) from the last to the
 * first, q = g · w[j], r += v w[j], `∂w[j] += -q r - v g`, g -= q w[j]. Source: architectures spec, section 7.
 */
export function pursuitBack(
  picks: PickLists,
  residual: Matrix,
  w: Matrix,
  scale: number,
): WalkedBack {
  const rows = picks.map((row, b) => {
    const last = residual[b].map((r) => -scale * r);
    let r = residual[b], g = last;
    const shares: Float64Array[] = [];
    for (let t = row.length - 1; t >= 0; t--) {
      const { latent, value: v } = row[t];
      const q = dot(g, w[latent]);
      const before = r.map((x, i) => x + v * w[latent][i]);
      shares[t] = before.map((x, i) => -q * x - v * g[i]);
      g = g.map((x, i) => x - q * w[latent][i]);
      r = before;
    }
    return { shares, before: r, back: g.map((x, i) => x - last[i]) };
  });
  return {
    shares: rows.map((row) => row.shares),
    before: rows.map((row) => row.before),
    back: rows.map((row) => row.back),
  };
}
