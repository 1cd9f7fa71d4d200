/**
 * The forward pass of a dictionary record in float64: what every format, kernel and export is held against.
 *
 *     h = (x - pre) W_encᵀ + b_enc      [rows, F]     pre = b_dec or 0
 *     s = h ⊙ gate                                    gate = ‖W_dec row‖ or 1
 *     f = act(s) ⊘ gate                 [rows, F]
 *     y = f W_dec + b_dec               [rows, o]
 *
 * relu: max(s, 0). topk: the k largest s of a row (ties to the lowest latent), then max(·, 0).
 * jumprelu: max(s, 0) where s > threshold, strictly; batchtopk: the same with one threshold for all.
 * groupmax: of each of k groups of F / k latents the largest, then max(·, 0); the first F mod k have one latent more.
 * matching_pursuit: see `matching_pursuit.ts`. product_keys: see `product_keys.ts`.
 * With W_skip [o, d] the raw input adds W_skip x to y.
 * @module
 */
import { matchingPursuit } from "./matching_pursuit.ts";
import { pkmLatents, type PkmRecord } from "./product_keys.ts";

/** What the formula needs of a dictionary; matrices are latent-major. */
export interface ForwardRecord {
  /** Width of the input. */
  readonly dIn: number;
  /** Width of the output. */
  readonly dOut: number;
  /** Number of latents. */
  readonly dSae: number;
  /** Encoder rows [dSae, dIn]. */
  readonly wEnc: ArrayLike<number>;
  /** Encoder bias [dSae]. */
  readonly bEnc: ArrayLike<number>;
  /** Decoder rows [dSae, dOut]. */
  readonly wDec: ArrayLike<number>;
  /** Output bias [dOut]. */
  readonly bDec: ArrayLike<number>;
  /** Whether the output bias is taken from the input. */
  readonly subtractBDec: boolean;
  /** Whether selection looks at scores times decoder row norms. */
  readonly gateByDecoderNorm: boolean;
  /** The activation function. */
  readonly activation:
    | { readonly name: "relu" }
    | { readonly name: "topk"; readonly k: number }
    | { readonly name: "groupmax"; readonly k: number }
    | { readonly name: "batchtopk"; readonly threshold: number }
    | {
      readonly name: "matching_pursuit";
      readonly iterations: number;
      readonly residualThreshold: number;
      readonly stopOnDuplicateSupport: boolean;
      readonly relu: boolean;
    }
    | { readonly name: "jumprelu"; readonly threshold: ArrayLike<number> }
    | PkmRecord;
}

/** A connection from input to output beside the code. */
export interface SkipRecord {
  /** [dOut, dIn]. */
  readonly wSkip?: ArrayLike<number>;
}

/** Latents and reconstruction of some rows, dense. */
export interface ForwardResult {
  /** Activations [rows, dSae]. */
  latents: Float64Array;
  /** Reconstruction [rows, dOut]. */
  reconstruction: Float64Array;
}

/** What may be done to each row before, and is undone in the output. */
export interface RowNormRecord {
  /** `token`: its length becomes √d. `layer_norm`: its mean 0 and its sample standard deviation 1. */
  readonly rowNorm?: "token" | "layer_norm";
}

/** Mean and size of a row, for `(x - mean) / (size + eps)`. */
function measureRow(x: ArrayLike<number>, row: number, d: number, how: "token" | "layer_norm") {
  const values = Array.from({ length: d }, (_, i) => x[row * d + i]);
  const mean = how === "token" ? 0 : values.reduce((a, b) => a + b, 0) / d;
  const square = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return how === "token"
    ? { mean, size: Math.sqrt(square / d), eps: 0 }
    : { mean, size: Math.sqrt(square / (d - 1)), eps: 1e-5 };
}

/** Runs the formula of this module on `x` [rows, dIn]. */
export function forwardRecord(
  { rowNorm, ...record }: ForwardRecord & SkipRecord & RowNormRecord,
  x: ArrayLike<number>,
): ForwardResult {
  if (rowNorm === undefined) return forwardRows(record, x);
  const { dIn, dOut } = record;
  const rows = Array.from({ length: x.length / dIn }, (_, r) => measureRow(x, r, dIn, rowNorm));
  const inside = Float64Array.from(x, (value, i) => {
    const { mean, size, eps } = rows[Math.floor(i / dIn)];
    return (value - mean) / (size + eps || 1);
  });
  const { latents, reconstruction } = forwardRows(record, inside);
  return {
    latents,
    reconstruction: reconstruction.map((value, i) => {
      const { mean, size } = rows[Math.floor(i / dOut)];
      return value * size + mean;
    }),
  };
}

/** The formula without normalisation. */
function forwardRows(record: ForwardRecord & SkipRecord, x: ArrayLike<number>): ForwardResult {
  const { dIn, dOut, dSae, wEnc, wDec, wSkip } = record;
  const rows = x.length / dIn;
  if (!Number.isInteger(rows)) {
    throw new RangeError(`Cannot split ${x.length} values in rows of ${dIn}`);
  }
  const { activation } = record;
  if (activation.name === "matching_pursuit") return pursued(record, activation, x);
  const gate = decoderGate(record);
  const latents = new Float64Array(rows * dSae);
  const reconstruction = new Float64Array(rows * dOut);
  for (let r = 0; r < rows; r++) {
    const scores = new Float64Array(dSae);
    for (let f = 0; f < dSae; f++) {
      let h = record.bEnc[f];
      for (let i = 0; i < dIn; i++) {
        const pre = record.subtractBDec ? record.bDec[i] : 0;
        h += (x[r * dIn + i] - pre) * wEnc[f * dIn + i];
      }
      scores[f] = h * gate[f];
    }
    const active = activation.name === "product_keys"
      ? pkmLatents(inputOf(record, x, r), activation, record.bEnc)
      : activate(activation, scores);
    const y = reconstruction.subarray(r * dOut, (r + 1) * dOut);
    for (let j = 0; j < dOut; j++) {
      y[j] = record.bDec[j];
      if (wSkip) { for (let i = 0; i < dIn; i++) y[j] += wSkip[j * dIn + i] * x[r * dIn + i]; }
    }
    for (let f = 0; f < dSae; f++) {
      const value = active[f] / gate[f];
      latents[r * dSae + f] = value;
      if (value !== 0) { for (let j = 0; j < dOut; j++) y[j] += value * wDec[f * dOut + j]; }
    }
  }
  return { latents, reconstruction };
}

/** Row `r` of the input, less the bias that is taken from it. */
function inputOf(
  { dIn, bDec, subtractBDec }: ForwardRecord,
  x: ArrayLike<number>,
  r: number,
): Float64Array {
  return Float64Array.from(
    { length: dIn },
    (_, i) => x[r * dIn + i] - (subtractBDec ? bDec[i] : 0),
  );
}

/** A pursuit: the encoder is the decoder, and values are what was picked of a latent. */
function pursued(
  { dIn, dSae, wDec, bDec, subtractBDec }: ForwardRecord,
  rules: Extract<ForwardRecord["activation"], { name: "matching_pursuit" }>,
  x: ArrayLike<number>,
): ForwardResult {
  const matrix = (values: ArrayLike<number>) =>
    Array.from(
      { length: values.length / dIn },
      (_, r) => Float64Array.from({ length: dIn }, (_, i) => values[r * dIn + i]),
    );
  const bias = Float64Array.from(bDec);
  const pre = subtractBDec ? bias : new Float64Array(dIn);
  const { picks, residual } = matchingPursuit(matrix(x), matrix(wDec), pre, {
    iterations: rules.iterations,
    threshold: rules.residualThreshold,
    stopOnDuplicates: rules.stopOnDuplicateSupport,
    relu: rules.relu,
  });
  const latents = new Float64Array(picks.length * dSae);
  picks.forEach((row, r) => row.forEach((p) => latents[r * dSae + p.latent] += p.value));
  // What is left is the input less what was picked and less the bias, where it was taken from the input.
  const reconstruction = Float64Array.from(
    x,
    (v, i) => v - residual[Math.floor(i / dIn)][i % dIn] + (subtractBDec ? 0 : bias[i % dIn]),
  );
  return { latents, reconstruction };
}

/** Row norms of the decoder, or ones; a zero row counts as one so that nothing is divided by zero. */
function decoderGate({ dSae, dOut, wDec, gateByDecoderNorm }: ForwardRecord): Float64Array {
  const gate = new Float64Array(dSae).fill(1);
  if (!gateByDecoderNorm) return gate;
  for (let f = 0; f < dSae; f++) {
    let sum = 0;
    for (let j = 0; j < dOut; j++) sum += wDec[f * dOut + j] ** 2;
    gate[f] = Math.sqrt(sum) || 1;
  }
  return gate;
}

/** An activation function on the scores of one row. */
export function activate(
  activation: ForwardRecord["activation"],
  s: Float64Array,
): Float64Array {
  if (activation.name === "relu") return s.map((v) => Math.max(v, 0));
  if (activation.name === "jumprelu") {
    return s.map((v, f) => v > activation.threshold[f] ? Math.max(v, 0) : 0);
  }
  if (activation.name === "batchtopk") {
    return s.map((v) => v > activation.threshold ? Math.max(v, 0) : 0);
  }
  if (activation.name === "groupmax") return largestOfGroups(s, activation.k);
  if (activation.name === "matching_pursuit" || activation.name === "product_keys") {
    throw new RangeError(`Cannot activate scores by "${activation.name}", which makes its own`);
  }
  const order = Array.from(s.keys()).sort((a, b) => s[b] - s[a] || a - b);
  const out = new Float64Array(s.length);
  for (const f of order.slice(0, activation.k)) out[f] = Math.max(s[f], 0);
  return out;
}

function largestOfGroups(s: Float64Array, groups: number): Float64Array {
  const out = new Float64Array(s.length);
  let start = 0;
  for (let g = 0; g < groups; g++) {
    const end = start + Math.floor(s.length / groups) + (g < s.length % groups ? 1 : 0);
    let best = start;
    for (let f = start; f < end; f++) if (s[f] > s[best]) best = f;
    out[best] = Math.max(s[best], 0);
    start = end;
  }
  return out;
}
