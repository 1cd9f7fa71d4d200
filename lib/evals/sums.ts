/**
 * Sums over held-out rows in float64, and the metrics that are made of them. The rows' own sums come from the GPU in
 * float32; everything over the data set is added on the host in the order of rows (evals spec, section 0.4).
 * @module
 */
import { type Measured, measured } from "./definitions.ts";

/** Running sums. */
export interface EvalSums {
  /** Rows. */
  rows: number;
  /** Sum of the rows [d]. */
  x: Float64Array;
  /** Σ‖x‖². */
  square: number;
  /** Σ‖r‖². */
  error: number;
  /** Σ‖y‖². */
  reconSquare: number;
  /** Σ x·y. */
  product: number;
  /** Σ of cosines. */
  cosine: number;
  /** Σ of ‖y‖ / ‖x‖. */
  ratio: number;
  /** Active latents. */
  active: number;
  /** Σ of latents. */
  l1: number;
}

/** No rows yet. */
export function emptySums(d: number): EvalSums {
  return {
    rows: 0,
    x: new Float64Array(d),
    square: 0,
    error: 0,
    reconSquare: 0,
    product: 0,
    cosine: 0,
    ratio: 0,
    active: 0,
    l1: 0,
  };
}

/** What one row adds, beside the row itself. */
export interface RowSums {
  /** ‖r‖². */
  error: number;
  /** ‖y‖². */
  reconSquare: number;
  /** x·y. */
  product: number;
}

/** Adds a row: the activation `x`, its sums, and its active latents. */
export function addRow(
  sums: EvalSums,
  x: Float32Array,
  row: RowSums,
  latents: { active: number; l1: number },
): void {
  let square = 0;
  for (let j = 0; j < x.length; j++) {
    sums.x[j] += x[j];
    square += x[j] * x[j];
  }
  const norm = Math.sqrt(square);
  const reconNorm = Math.sqrt(row.reconSquare);
  sums.rows++;
  sums.square += square;
  sums.error += row.error;
  sums.reconSquare += row.reconSquare;
  sums.product += row.product;
  sums.cosine += norm > 0 && reconNorm > 0 ? row.product / (norm * reconNorm) : 0;
  sums.ratio += reconNorm / (norm < 1e-4 ? 1 : norm);
  sums.active += latents.active;
  sums.l1 += latents.l1;
}

/** Σ‖x‖² - ‖Σx‖²/T: the variance that there is to explain. */
export function totalVariance(sums: EvalSums): number {
  return sums.square - sums.x.reduce((s, v) => s + v * v, 0) / sums.rows;
}

/** FVU of an error; for constant rows 0 when the error is 0 too, else undefined. */
export function fvuOf(error: number, variance: number): number {
  if (variance < 1e-10) return error < 1e-10 ? 0 : NaN;
  return error / variance;
}

/**
 * The metrics of reconstruction and sparsity. Of several targets, sums over rows are over the rows of all of them, and each
 * has an FVU of its own.
 */
export function figuresOf(targets: readonly EvalSums[]): Measured[] {
  const total = (f: (sums: EvalSums) => number) => targets.reduce((n, sums) => n + f(sums), 0);
  const error = total((s) => s.error);
  const fvu = fvuOf(error, total(totalVariance));
  const rows = total((s) => s.rows);
  const mean = (value: number) => value / rows;
  const each = targets.length === 1 ? [] : targets.map((s, l) => ({
    ...measured("recon/fvu_layer", fvuOf(s.error, totalVariance(s))),
    name: `recon/fvu_layer_${l}`,
  }));
  return [
    measured("recon/fvu", fvu),
    ...each,
    measured("recon/explained_variance", 1 - fvu),
    measured("recon/mse", mean(error)),
    measured("recon/nmse_ratio", error / total((s) => s.square)),
    measured("recon/cossim", mean(total((s) => s.cosine))),
    measured("recon/l2_ratio", mean(total((s) => s.ratio))),
    measured("recon/relative_bias", total((s) => s.reconSquare) / total((s) => s.product)),
    measured("sparsity/l0", mean(total((s) => s.active))),
    measured("sparsity/l1", mean(total((s) => s.l1))),
  ];
}

/** The metrics of how often latents fire. */
export function densityFigures(fired: Uint32Array, rows: number): Measured[] {
  const share = (test: (count: number) => boolean) => fired.filter(test).length / fired.length;
  return [
    measured("sparsity/dead_frac", share((n) => n === 0)),
    measured("density/freq_over_1_percent", share((n) => n / rows > 0.01)),
    measured("density/freq_over_10_percent", share((n) => n / rows > 0.1)),
  ];
}
