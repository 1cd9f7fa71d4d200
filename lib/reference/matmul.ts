/**
 * Dense products.
 * @module
 */
import type { Matrix } from "./types.ts";

/** The transpose. */
export function transpose(m: Matrix): Matrix {
  return Array.from(m[0], (_, c) => Float64Array.from(m, (row) => row[c]));
}

/** `alpha · a b + beta · c`; transpose the operands before. */
export function matmul(a: Matrix, b: Matrix, alpha = 1, beta = 0, c?: Matrix): Matrix {
  return a.map((row, r) =>
    Float64Array.from(b[0], (_, col) => {
      let sum = 0;
      for (let k = 0; k < row.length; k++) sum += row[k] * b[k][col];
      return alpha * sum + (c ? beta * c[r][col] : 0);
    })
  );
}
