/**
 * Loss and gradients of a dictionary with nested prefixes, a second code of 4 k latents and a skip connection, each of
 * them where it is asked for: `L = Σ_codes weight · Σ_g w_g L_rec(ŷ_g)`, `ŷ_g = b_dec + x W_skipᵀ + Σ_{j < M_g} f_j W_dec[j]`.
 * Source: architectures spec, sections 0.3, 2, 6 and 9.
 * @module
 */
import { biasGradient } from "./bias_gradient.ts";
import { centerRows } from "./center_rows.ts";
import { codeGradient } from "./code_gradient.ts";
import { columnSums } from "./column_sums.ts";
import { decodePrefixes, prefixIndex } from "./decode_prefixes.ts";
import { encodeGemm } from "./encode_gemm.ts";
import { gradLatents } from "./grad_latents.ts";
import { prefixScalars } from "./prefix_scalars.ts";
import { topkFinish } from "./topk_finish.ts";
import { topkMerge } from "./topk_merge.ts";
import { type Code, dot, type Matrix, zeros } from "./types.ts";

/** Parameters, or their gradients. */
export interface NestedWeights {
  /** [latents, dIn]. */
  wEnc: Matrix;
  /** [latents]. */
  bEnc: Float64Array;
  /** [latents, dOut]. */
  wDec: Matrix;
  /** [dOut]. */
  bDec: Float64Array;
  /** [dOut, dIn]. */
  wSkip?: Matrix;
}

/** What is asked for. */
export interface NestedOptions {
  /** Active latents a row. */
  k: number;
  /** Whether b_dec is taken from the input. */
  inputBias: boolean;
  /** Cumulative widths; the last is the number of latents, 0 is the bias alone. */
  bounds: readonly number[];
  /** Weights of their losses. */
  weights: readonly number[];
  /** Whether a second code of 4 k latents adds an eighth of its loss. */
  multiTopk: boolean;
  /** Factor of the sum of squares; the loss is the FVU where it is absent. */
  factor?: number;
}

/** What a step finds. */
export interface NestedStep {
  /** The whole loss. */
  loss: number;
  /** Fraction of variance that each prefix leaves unexplained. */
  fvu: number[];
  /** The codes: of k, and of 4 k. */
  codes: Code[];
  /** Gradients of all parameters. */
  gradients: NestedWeights;
}

interface Part {
  code: Code;
  weight: number;
  bounds: readonly number[];
  weights: readonly number[];
}

/** Σ‖y - ȳ‖². */
function spreadOf(y: Matrix): number {
  const mean = columnSums(y).map((sum) => sum / y.length);
  return y.reduce((sum, row) => sum + row.reduce((s, v, c) => s + (v - mean[c]) ** 2, 0), 0);
}

/** Adds `more` to `sum`. */
function add(sum: Matrix, more: Matrix): void {
  sum.forEach((row, r) => row.forEach((_, c) => row[c] += more[r][c]));
}

/** The step on inputs x and targets y. */
export function nestedStep(
  model: NestedWeights,
  x: Matrix,
  y: Matrix,
  options: NestedOptions,
): NestedStep {
  const { wEnc, bEnc, wDec, bDec, wSkip } = model;
  const latents = wEnc.length;
  const centred = options.inputBias ? centerRows(x, bDec) : x;
  const scores = encodeGemm(centred, wEnc, bEnc);
  const select = (k: number) => topkFinish(topkMerge(scores, k));
  const parts: Part[] = [{ ...options, code: select(options.k), weight: 1 }];
  if (options.multiTopk) {
    parts.push({ code: select(4 * options.k), weight: 1 / 8, bounds: [latents], weights: [1] });
  }
  const start = centerRows(y, bDec).map((row, r) =>
    row.map((v, c) => wSkip ? v - dot(x[r], wSkip[c]) : v)
  );
  const spread = spreadOf(y);
  const slope = options.factor === undefined
    ? (spread > 1e-12 ? -2 / spread : 0)
    : -2 * options.factor;

  const gradients = {
    wEnc: zeros(latents, x[0].length),
    bEnc: new Float64Array(latents),
    wDec: zeros(latents, bDec.length),
    bDec: new Float64Array(bDec.length),
    wSkip: wSkip && zeros(bDec.length, x[0].length),
  };
  let loss = 0;
  let fvu: number[] = [];
  parts.forEach(({ code, weight, bounds, weights }, i) => {
    const { suffixes, squares } = decodePrefixes(code, wDec, start, bounds, weights);
    const sums = bounds.map((_, g) => squares.reduce((s, row) => s + row[g], 0));
    const found = prefixScalars(sums, weights, spread, options.factor);
    loss += weight * found.loss;
    if (i === 0) fvu = found.fvu;
    const scale = weight * slope;
    // Each entry sees the residuals of the prefixes that have its latent.
    const each = suffixes.map((suffix) => codeGradient(code, wDec, suffix, scale));
    const dz = code.map((row, r) =>
      row.map(({ latent }, e) => each[prefixIndex(latent, bounds)][r][e])
    );
    const encoder = gradLatents(code, dz, centred, latents);
    add(gradients.wEnc, encoder.grad);
    add([gradients.bEnc], [encoder.gradBias]);
    const values = code.map((row) => row.map((e) => e.value * scale));
    const decoders = suffixes.map((suffix) => gradLatents(code, values, suffix, latents).grad);
    add(gradients.wDec, wDec.map((_, l) => decoders[prefixIndex(l, bounds)][l]));
    add([gradients.bDec], [
      biasGradient(
        suffixes[0],
        scale,
        options.inputBias ? { gradBias: encoder.gradBias, wEnc } : undefined,
      ),
    ]);
    gradients.wSkip?.forEach((row, o) =>
      row.forEach((_, c) => suffixes[0].forEach((s, r) => row[c] += scale * s[o] * x[r][c]))
    );
  });
  return { loss, fvu, codes: parts.map((p) => p.code), gradients };
}
