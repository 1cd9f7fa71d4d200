/**
 * The best one-to-one assignment: the Hungarian method with potentials, O(rows² · cols).
 * @module
 */

/**
 * Assigns every row a column of its own so that the sum of `gain` is as large as can be.
 * @param gain row-major [rows, cols], rows <= cols
 * @returns the column of each row
 */
export function bestAssignment(
  gain: ArrayLike<number>,
  rows: number,
  cols: number,
): Int32Array {
  if (rows > cols) throw new RangeError(`Cannot assign ${rows} rows to ${cols} columns`);
  // Row and column 0 stand for "none yet".
  const rowPotential = new Float64Array(rows + 1), potential = new Float64Array(cols + 1);
  const rowOf = new Int32Array(cols + 1);
  const before = new Int32Array(cols + 1);
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    let col = 0;
    const slack = new Float64Array(cols + 1).fill(Infinity);
    const used = new Uint8Array(cols + 1);
    do {
      used[col] = 1;
      const i = rowOf[col];
      let least = Infinity, next = 0;
      for (let j = 1; j <= cols; j++) {
        if (used[j]) continue;
        const cost = -gain[(i - 1) * cols + j - 1] - rowPotential[i] - potential[j];
        if (cost < slack[j]) {
          slack[j] = cost;
          before[j] = col;
        }
        if (slack[j] < least) {
          least = slack[j];
          next = j;
        }
      }
      for (let j = 0; j <= cols; j++) {
        if (used[j]) {
          rowPotential[rowOf[j]] += least;
          potential[j] -= least;
        } else slack[j] -= least;
      }
      col = next;
    } while (rowOf[col] !== 0);
    for (; col !== 0; col = before[col]) rowOf[col] = rowOf[before[col]];
  }
  const found = new Int32Array(rows);
  for (let j = 1; j <= cols; j++) if (rowOf[j] > 0) found[rowOf[j] - 1] = j - 1;
  return found;
}
