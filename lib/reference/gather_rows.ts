/**
 * Listed rows of a matrix, with their biases.
 * @module
 */
import type { Matrix } from "./types.ts";

/** Rows and biases of `list`, in its order. */
export function gatherRows(
  list: readonly number[],
  w: Matrix,
  bias: Float64Array,
): { panel: Matrix; panelBias: number[] } {
  return { panel: list.map((l) => w[l]), panelBias: list.map((l) => bias[l]) };
}
