/**
 * Low-rank sparse attention, by its definition: scores of all latents of a batch of sequences, and their derivatives.
 * Source: architectures spec, section 11.2 and 11.3.
 * @module
 */
import { attentionMix, attentionScores, attentionSpread } from "./attention_product.ts";
import { causalSoftmax, causalSoftmaxBackward } from "./causal_softmax.ts";
import { rmsRows, rmsRowsBackward } from "./rms_rows.ts";
import { ropeRows, ropeRowsBackward, type Turning } from "./rope_rows.ts";
import { dot, type Matrix, zeros } from "./types.ts";

/** Parameters. Heads follow one another in the rows of `wQ`, `wK` and in the vectors that belong to them. */
export interface LorsaWeights {
  /** [heads · width, d]. */
  wQ: Matrix;
  /** [heads · width]. */
  bQ: Float64Array;
  /** [heads · width, d]. */
  wK: Matrix;
  /** [heads · width]. */
  bK: Float64Array;
  /** [latents, d]. */
  wV: Matrix;
  /** [latents]. */
  bV: Float64Array;
  /** Gain of the queries' norm [heads · width]; no norm when absent. */
  lnQ?: Float64Array;
  /** Gain of the keys' norm. */
  lnK?: Float64Array;
}

/** What is not trained. */
export interface LorsaShape {
  /** Query-key heads. */
  heads: number;
  /** Rows of a sequence. */
  length: number;
  /** Divisor of the scores. */
  scale: number;
  /** Added to the mean of squares in the norms. */
  eps: number;
  /** Rotary positions, where there are any. */
  turning?: Turning;
}

/** One head on one sequence: what forward makes and backward needs. */
interface HeadPass {
  queries: Side;
  keys: Side;
  pattern: Matrix;
  values: Matrix;
}

/** Queries or keys of a head: before the norm, after the norm, after the rotation. */
interface Side {
  raw: Matrix;
  normed: Matrix;
  out: Matrix;
}

const affine = (x: Matrix, w: Matrix, b: Float64Array): Matrix =>
  x.map((row) => Float64Array.from(w, (weights, i) => dot(row, weights) + b[i]));

function sideOf(
  x: Matrix,
  w: Matrix,
  b: Float64Array,
  gain: Float64Array | undefined,
  { eps, turning }: LorsaShape,
): Side {
  const raw = affine(x, w, b);
  const normed = gain ? raw.map((row) => rmsRows(row, gain, eps)) : raw;
  const out = turning ? normed.map((row, t) => ropeRows(row, t, turning)) : normed;
  return { raw, normed, out };
}

/** Head `h` of everything that lies head by head. */
function headOf(weights: LorsaWeights, h: number, heads: number) {
  const width = weights.wQ.length / heads;
  const group = weights.wV.length / heads;
  const part = <T extends Matrix | Float64Array>(all: T, size: number): T =>
    all.slice(h * size, (h + 1) * size) as unknown as T;
  return {
    width,
    group,
    wQ: part(weights.wQ, width),
    bQ: part(weights.bQ, width),
    wK: part(weights.wK, width),
    bK: part(weights.bK, width),
    wV: part(weights.wV, group),
    bV: part(weights.bV, group),
    lnQ: weights.lnQ && part(weights.lnQ, width),
    lnK: weights.lnK && part(weights.lnK, width),
  };
}

function passOf(x: Matrix, own: ReturnType<typeof headOf>, shape: LorsaShape): HeadPass {
  const queries = sideOf(x, own.wQ, own.bQ, own.lnQ, shape);
  const keys = sideOf(x, own.wK, own.bK, own.lnK, shape);
  const pattern = causalSoftmax(attentionScores(queries.out, keys.out), 1 / shape.scale);
  return { queries, keys, pattern, values: affine(x, own.wV, own.bV) };
}

const sequencesOf = (x: Matrix, length: number): Matrix[] =>
  Array.from({ length: x.length / length }, (_, s) => x.slice(s * length, (s + 1) * length));

/** Scores `h[t][i] = Σ over t' ≤ t of A[t][t'] · (x[t'] · W_V[i] + b_V[i])`, A that of the head of latent i. */
export function lorsaScores(x: Matrix, weights: LorsaWeights, shape: LorsaShape): Matrix {
  return sequencesOf(x, shape.length).flatMap((rows) => {
    const byHead = Array.from({ length: shape.heads }, (_, h) => {
      const pass = passOf(rows, headOf(weights, h, shape.heads), shape);
      return attentionMix(pass.pattern, pass.values);
    });
    return rows.map((_, t) => Float64Array.from(byHead.flatMap((m) => [...m[t]])));
  });
}

/** Derivatives by all weights from the derivatives `dh` [rows, latents] by the scores. */
export function lorsaGradients(
  x: Matrix,
  weights: LorsaWeights,
  dh: Matrix,
  shape: LorsaShape,
): LorsaWeights {
  const like = (m: Matrix) => zeros(m.length, m[0].length);
  const grads = {
    wQ: like(weights.wQ),
    bQ: weights.bQ.map(() => 0),
    wK: like(weights.wK),
    bK: weights.bK.map(() => 0),
    wV: like(weights.wV),
    bV: weights.bV.map(() => 0),
    lnQ: weights.lnQ?.map(() => 0),
    lnK: weights.lnK?.map(() => 0),
  };
  const given = sequencesOf(dh, shape.length);
  sequencesOf(x, shape.length).forEach((rows, s) => {
    for (let h = 0; h < shape.heads; h++) {
      const own = headOf(weights, h, shape.heads);
      const pass = passOf(rows, own, shape);
      const mine = given[s].map((row) => row.slice(h * own.group, (h + 1) * own.group));
      const dValues = attentionSpread(pass.pattern, mine);
      dValues.forEach((row, t) => addOuter(grads.wV, grads.bV, h * own.group, row, rows[t]));
      const dPattern = mine.map((row) => Float64Array.from(pass.values, (v) => dot(row, v)));
      const dScores = causalSoftmaxBackward(pass.pattern, dPattern, 1 / shape.scale);
      const back = (side: Side, g: Matrix, gain?: Float64Array) =>
        g.map((row, t) => {
          const turned = shape.turning ? ropeRowsBackward(row, t, shape.turning) : row;
          if (!gain) return { x: turned, w: undefined };
          return rmsRowsBackward(side.raw[t], gain, turned, shape.eps);
        });
      const first = h * own.width;
      back(pass.queries, attentionMix(dScores, pass.keys.out), own.lnQ).forEach((g, t) => {
        addOuter(grads.wQ, grads.bQ, first, g.x, rows[t]);
        g.w?.forEach((v, i) => grads.lnQ![first + i] += v);
      });
      back(pass.keys, attentionSpread(dScores, pass.queries.out), own.lnK).forEach((g, t) => {
        addOuter(grads.wK, grads.bK, first, g.x, rows[t]);
        g.w?.forEach((v, i) => grads.lnK![first + i] += v);
      });
    }
  });
  return grads;
}

/** Adds `g[i] · x` to row `first + i` of a matrix and `g[i]` to its bias. */
function addOuter(
  w: Float64Array[],
  b: Float64Array,
  first: number,
  g: Float64Array,
  x: Float64Array,
): void {
  g.forEach((v, i) => {
    b[first + i] += v;
    x.forEach((value, c) => w[first + i][c] += v * value);
  });
}
