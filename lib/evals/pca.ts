/**
 * The PCA baseline: of all principal components the k largest by magnitude on each row, nothing learnt.
 *
 * It is fitted on the very rows that it is measured on, which favours it. Products run on the GPU in tiles, sums in
 * float64 on the host; the eigenvectors come from ml-matrix.
 * @module
 */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { submit } from "../gpu/program.ts";
import { readFloats } from "../gpu/readback.ts";
import { createRows, destroyRows, onlyShard, writeRows } from "../gpu/rows.ts";
import { encodeGemm, PANEL_UNIT } from "../kernels/encode_gemm.ts";
import { roundUp } from "../tensor/shards.ts";
import { type Measured, measured } from "./definitions.ts";
import type { HeldOutPoint } from "./held_out.ts";
import { fvuOf } from "./sums.ts";

/** Rows of a tile. */
const TILE = 2048;

/** Product a · bᵀ of row-major [n, d] and [m, d] on the GPU, [n, m] in float32. */
async function product(
  gpu: Gpu,
  a: Float32Array,
  b: Float32Array,
  d: number,
): Promise<Float32Array> {
  const n = a.length / d, m = b.length / d;
  const left = createRows(gpu, "left", n, d);
  const right = createRows(gpu, "right", m, d);
  writeRows(gpu, left, a);
  writeRows(gpu, right, b);
  const panel = roundUp(m, PANEL_UNIT);
  const bias = createBuffer(gpu, panel * 4, "zero");
  const scores = createBuffer(gpu, roundUp(n, PANEL_UNIT) * panel * 4, "product");
  submit(
    gpu,
    encodeGemm.record(gpu, {
      rows: n,
      latents: m,
      d,
      x: onlyShard(left),
      w: onlyShard(right),
      firstLatent: 0,
      bias,
      firstBias: 0,
      scores,
      panel,
    }),
  );
  const padded = await readFloats(gpu, scores, n * panel);
  destroyRows(gpu, left);
  destroyRows(gpu, right);
  bias.destroy();
  scores.destroy();
  gpu.memory.bytes -= bias.size + scores.size;
  if (panel === m) return padded;
  const out = new Float32Array(n * m);
  for (let i = 0; i < n; i++) out.set(padded.subarray(i * panel, i * panel + m), i * m);
  return out;
}

/** Rows [first, first + count) less the mean, in float32. */
function centredTile(
  { x, d }: HeldOutPoint & { rows: number },
  mean: Float64Array,
  first: number,
  count: number,
) {
  const out = new Float32Array(count * d);
  for (let i = 0; i < out.length; i++) out[i] = x[first * d + i] - mean[i % d];
  return out;
}

function transposed(tile: Float32Array, d: number): Float32Array {
  const rows = tile.length / d;
  const out = new Float32Array(tile.length);
  for (let r = 0; r < rows; r++) for (let j = 0; j < d; j++) out[j * rows + r] = tile[r * d + j];
  return out;
}

/** Sum of the `k` largest of `values`; sorts them in place. */
function largestSum(values: Float64Array, k: number): number {
  values.sort();
  let sum = 0;
  for (let i = Math.max(0, values.length - k); i < values.length; i++) sum += values[i];
  return sum;
}

/**
 * Figures of the baseline with `k` components a row.
 * @param k components kept, at most d
 */
export async function pcaFigures(
  gpu: Gpu,
  data: HeldOutPoint & { rows: number },
  k: number,
): Promise<Measured[]> {
  const { rows, d, x } = data;
  const mean = new Float64Array(d);
  for (let i = 0; i < rows * d; i++) mean[i % d] += x[i];
  for (let j = 0; j < d; j++) mean[j] /= rows;

  const covariance = new Float64Array(d * d);
  for (let first = 0; first < rows; first += TILE) {
    const count = Math.min(TILE, rows - first);
    const tile = transposed(centredTile(data, mean, first, count), d);
    const part = await product(gpu, tile, tile, count);
    for (let i = 0; i < part.length; i++) covariance[i] += part[i] / rows;
  }
  const decomposition = new EigenvalueDecomposition(Matrix.from1DArray(d, d, covariance), {
    assumeSymmetric: true,
  });
  const axes = Float32Array.from(decomposition.eigenvectorMatrix.transpose().to1DArray());

  let variance = 0, error = 0;
  const energies = new Float64Array(d);
  for (let first = 0; first < rows; first += TILE) {
    const count = Math.min(TILE, rows - first);
    const tile = centredTile(data, mean, first, count);
    const coordinates = await product(gpu, tile, axes, d);
    for (let r = 0; r < count; r++) {
      let whole = 0;
      for (let j = 0; j < d; j++) {
        const v = tile[r * d + j];
        whole += v * v;
        const c = coordinates[r * d + j];
        energies[j] = c * c;
      }
      variance += whole;
      error += Math.max(0, whole - largestSum(energies, k));
    }
  }
  const fvu = fvuOf(error, variance);
  return [
    measured("recon/fvu", fvu),
    measured("recon/explained_variance", 1 - fvu),
    measured("recon/mse", error / rows),
    measured("sparsity/l0", Math.min(k, d)),
  ];
}
