/**
 * First values of low-rank sparse attention: at random, or from the model's own attention. Pure functions.
 * Source: architectures spec, section 11.4.
 * @module
 */
import { EigenvalueDecomposition, Matrix, QrDecomposition } from "ml-matrix";
import { SdmError } from "../base/errors.ts";
import { RandomStream } from "../base/random.ts";
import type { AttentionSource } from "./attention_source.ts";
import { uniformNumbers } from "./initial.ts";

/** Sizes of the parameters. */
export interface LorsaSizes {
  /** Query-key heads. */
  heads: number;
  /** Numbers of a query or key. */
  width: number;
  /** Width of the input. */
  dIn: number;
  /** Width of the output. */
  dOut: number;
  /** Latents, `dSae / heads` a head. */
  dSae: number;
  /** Whether queries and keys have norms. */
  norms: boolean;
}

/** Values by the names of the parameters; the decoder's rows are W_O. */
export type LorsaValues = Map<string, Float32Array>;

/**
 * W_Q and W_K uniform within sqrt(6 / (width · (dIn + heads))), which is what PyTorch's Xavier rule makes of a tensor
 * [heads, dIn, width]; W_V normal of variance 1 / dSae, W_O of 1 / dOut, gains one, biases zero.
 */
export function lorsaInitial(sizes: LorsaSizes, seed: number): LorsaValues {
  const { heads, width, dIn, dOut, dSae, norms } = sizes;
  const bound = Math.sqrt(6 / (width * (dIn + heads)));
  const count = heads * width;
  const normal = (purpose: string, rows: number, cols: number, variance: number) => {
    const stream = new RandomStream(seed, purpose);
    const out = new Float32Array(rows * cols);
    for (let r = 0; r < rows; r++) stream.fillNormal(r, out.subarray(r * cols, (r + 1) * cols));
    return out.map((v) => v * Math.sqrt(variance));
  };
  return new Map([
    ["W_Q", uniformNumbers(count * dIn, bound, seed, "init W_Q")],
    ["b_Q", new Float32Array(count)],
    ["W_K", uniformNumbers(count * dIn, bound, seed, "init W_K")],
    ["b_K", new Float32Array(count)],
    ["W_V", normal("init W_V", dSae, dIn, 1 / dSae)],
    ["b_V", new Float32Array(dSae)],
    ["W_dec", normal("init W_O", dSae, dOut, 1 / dOut)],
    ...norms
      ? [
        ["ln_q", new Float32Array(count).fill(1)] as const,
        ["ln_k", new Float32Array(count).fill(1)] as const,
      ]
      : [],
  ]);
}

function refuse(found: string, needed: string): never {
  throw new SdmError(`Cannot start from the model's attention: ${found}, ${needed}`, {
    hint: 'dictionary.lorsa_init = "default" starts at random',
  });
}

/**
 * Queries and keys of the model's own heads, each repeated `heads / source.heads` times in a row. Weights are divided by
 * the factor that inputs are multiplied with in training; biases and gains are copied as they are.
 * @returns `values` with other queries and keys
 * @throws SdmError when the heads do not fit
 */
export function fromAttention(
  values: LorsaValues,
  source: AttentionSource,
  { heads, width, dIn, norms }: LorsaSizes,
  inputScale: number,
): LorsaValues {
  const copies = heads / source.heads;
  if (!Number.isInteger(copies)) {
    refuse(`n_qk_heads is ${heads}`, `a multiple of the model's ${source.heads} is needed`);
  }
  if (width !== source.width) {
    refuse(`d_qk_head is ${width}`, `the model's ${source.width} is needed`);
  }
  if (dIn !== source.dIn) {
    refuse(`rows have ${dIn} numbers`, `the attention's input of ${source.dIn} is needed`);
  }
  if (source.gainQ && !norms) {
    refuse("its queries and keys have norms", "dictionary.use_post_qk_ln is needed");
  }
  const shared = source.heads / source.keyHeads;
  const repeated = (from: Float32Array, each: number, headOf: (h: number) => number, by = 1) => {
    const out = new Float32Array(heads * each);
    for (let h = 0; h < heads; h++) {
      const first = headOf(h) * each;
      out.set(from.subarray(first, first + each).map((v) => v / by), h * each);
    }
    return out;
  };
  const own = (h: number) => Math.floor(h / copies);
  const key = (h: number) => Math.floor(own(h) / shared);
  return new Map([
    ...values,
    ["W_Q", repeated(source.q, width * dIn, own, inputScale)],
    ["b_Q", repeated(source.bQ, width, own)],
    ["W_K", repeated(source.k, width * dIn, key, inputScale)],
    ["b_K", repeated(source.bK, width, key)],
    ...source.gainQ ? [["ln_q", repeated(source.gainQ, width, () => 0)] as const] : [],
    ...source.gainK ? [["ln_k", repeated(source.gainK, width, () => 0)] as const] : [],
  ]);
}

/** A part of a row-major matrix for linear algebra. */
function part(data: Float32Array, cols: number, firstRow: number, rows: number): Matrix {
  const own = data.subarray(firstRow * cols, (firstRow + rows) * cols);
  return Matrix.from1DArray(rows, cols, Array.from(own));
}

/**
 * The directions [dIn, r] in which what a head reads of the input varies most: left singular vectors of
 * `(X W W^T - mean)^T`, W [dIn, width] the head's values. W = QR has few columns, so that it is Q times the eigenvectors
 * of `R C R^T`, C the scatter of `X W`.
 */
function activeDirections(x: Matrix, values: Matrix, r: number): Matrix {
  const read = x.mmul(values).center("column");
  const { orthogonalMatrix: q, upperTriangularMatrix: upper } = new QrDecomposition(values);
  const scatter = upper.mmul(read.transpose().mmul(read)).mmul(upper.transpose());
  const { eigenvectorMatrix } = new EigenvalueDecomposition(scatter, { assumeSymmetric: true });
  const n = eigenvectorMatrix.columns;
  // Eigenvalues ascend.
  const largest = Array.from({ length: r }, (_, i) => n - 1 - i);
  return q.mmul(eigenvectorMatrix.subMatrixColumn(largest));
}

/**
 * Values and outputs in the active subspaces of the model's own heads: for the `dSae / source.heads` latents of head p,
 * `W_V[i] = (first r numbers of W_V[i]) · U_r^T` with U_r of {@link activeDirections} and r = min(width, source.width),
 * `W_O[i] = W_V[i] · W_V^p · W_O^p`; then rows of both have length 1.
 * @param sample rows of the input, row-major [n, dIn]
 * @returns `values` with other W_V and W_O
 * @throws SdmError when latents or widths do not fit
 */
export function inActiveSubspace(
  values: LorsaValues,
  source: AttentionSource,
  { width, dIn, dOut, dSae }: LorsaSizes,
  sample: Float32Array,
): LorsaValues {
  const each = dSae / source.heads;
  if (!Number.isInteger(each)) {
    refuse(`d_sae is ${dSae}`, `a multiple of the model's ${source.heads} heads is needed`);
  }
  if (dIn !== source.dIn || dOut !== source.dOut) {
    const wanted = `those of its attention, ${source.dIn} and ${source.dOut}, are needed`;
    refuse(`input and output have ${dIn} and ${dOut} numbers`, wanted);
  }
  const x = part(sample, dIn, 0, sample.length / dIn);
  const shared = source.heads / source.keyHeads;
  const r = Math.min(width, source.width);
  const random = values.get("W_V") as Float32Array;
  const wV = new Float32Array(dSae * dIn);
  const wO = new Float32Array(dSae * dOut);
  for (let p = 0; p < source.heads; p++) {
    const own = part(source.v, dIn, Math.floor(p / shared) * source.width, source.width)
      .transpose();
    const output = part(source.o, dOut, p * source.width, source.width);
    const directions = activeDirections(x, own, r).transpose();
    const start = part(random, dIn, p * each, each).subMatrix(0, each - 1, 0, r - 1);
    const rows = start.mmul(directions);
    setUnitRows(wV, rows, p * each);
    setUnitRows(wO, rows.mmul(own).mmul(output), p * each);
  }
  return new Map([...values, ["W_V", wV], ["W_dec", wO]]);
}

/** Writes rows of length 1. */
function setUnitRows(target: Float32Array, rows: Matrix, first: number): void {
  for (let i = 0; i < rows.rows; i++) {
    const row = rows.getRow(i);
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)) || 1;
    target.set(row.map((v) => v / length), (first + i) * row.length);
  }
}
