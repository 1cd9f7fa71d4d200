/**
 * Residuals, and what a row contributes to losses and metrics.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** Sums of one row. */
export interface RowStats {
  /** |y - ŷ|². */
  squaredError: number;
  /** |y - mean|². */
  spread: number;
  /** |ŷ|². */
  reconSquare: number;
  /** y · ŷ. */
  product: number;
  /** |y|². */
  targetSquare: number;
}

/** `target - recon` and the sums of each row. */
export function residualRows(
  target: Matrix,
  recon: Matrix,
  mean: Float64Array,
): { residual: Matrix; stats: RowStats[] } {
  const residual = target.map((row, r) => row.map((y, c) => y - recon[r][c]));
  const stats = target.map((y, r) => {
    const centred = y.map((v, c) => v - mean[c]);
    return {
      squaredError: dot(residual[r], residual[r]),
      spread: dot(centred, centred),
      reconSquare: dot(recon[r], recon[r]),
      product: dot(y, recon[r]),
      targetSquare: dot(y, y),
    };
  });
  return { residual, stats };
}
