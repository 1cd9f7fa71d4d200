/**
 * Which of a list of dispatches run.
 * @module
 */

/** Workgroups along x, y and z. */
export type Grid = readonly [number, number, number];

/** The grid of every dispatch, or no groups when the count is not larger than its bound. */
export function planIndirect(
  dispatches: readonly { grid: Grid; above: number }[],
  count: number,
): Grid[] {
  return dispatches.map(({ grid, above }): Grid => count > above ? grid : [0, 0, 0]);
}
