/**
 * Running sums over the rows of a store, in float64 and in row order, that survive an interruption.
 * @module
 */
import type { TensorInput } from "../files/safetensors_write.ts";
import type { StoreNorm } from "./store_manifest.ts";
import type { PointFacts } from "./types.ts";

/** Sums of one point; plain numbers, so that JSON keeps them exactly. */
export interface PointSums {
  /** Sum of every dimension. */
  sum: number[];
  /** Sum of squares of every dimension. */
  squares: number[];
  /** Sum of the rows' L2 norms. */
  norms: number;
  /** Largest absolute value. */
  maxAbs: number;
}

/** Sums of nothing. */
export function emptySums(d: number): PointSums {
  return { sum: Array(d).fill(0), squares: Array(d).fill(0), norms: 0, maxAbs: 0 };
}

/** The sums with the rows of a matrix [rows, d] added; the old sums stay as they are. */
export function addRows(before: PointSums, values: Float32Array, d: number): PointSums {
  const sum = Float64Array.from(before.sum), squares = Float64Array.from(before.squares);
  let { norms, maxAbs } = before;
  for (let start = 0; start < values.length; start += d) {
    let row = 0;
    for (let j = 0; j < d; j++) {
      const value = values[start + j];
      const square = value * value;
      sum[j] += value;
      squares[j] += square;
      row += square;
      if (value > maxAbs) maxAbs = value;
      else if (-value > maxAbs) maxAbs = -value;
    }
    norms += Math.sqrt(row);
  }
  return { sum: Array.from(sum), squares: Array.from(squares), norms, maxAbs };
}

/** The manifest's figures of one point. */
export function normOf(sums: PointSums, rows: number): StoreNorm {
  const total = sums.squares.reduce((a, b) => a + b, 0);
  return {
    mean_l2: sums.norms / rows,
    rms: Math.sqrt(total / (rows * sums.squares.length)),
    max_abs: sums.maxAbs,
  };
}

/** The tensors of stats.safetensors: `mean.<point>` [d] F32, `sum_squares.<point>` [d] F64, `n` [1] I64. */
export function statsTensors(
  points: readonly PointFacts[],
  sums: readonly PointSums[],
  rows: number,
): TensorInput[] {
  const tensors: TensorInput[] = [{ name: "n", shape: [1], data: BigInt64Array.of(BigInt(rows)) }];
  points.forEach(({ name, d }, p) => {
    const mean = Float32Array.from(sums[p].sum, (value) => value / rows);
    tensors.push({ name: `mean.${name}`, shape: [d], data: mean });
    const squares = Float64Array.from(sums[p].squares);
    tensors.push({ name: `sum_squares.${name}`, shape: [d], data: squares });
  });
  return tensors;
}
