/**
 * What a training step of the reference works on: plain numbers in plain lists.
 * @module
 */

/** Parameters or their gradients, or a moment of them: latent-major rows. */
export interface Weights {
  /** [F][d]. */
  wEnc: number[][];
  /** [F]. */
  bEnc: number[];
  /** [F][d]. */
  wDec: number[][];
  /** [d]; also taken from the input. */
  bDec: number[];
}

/** State of a run. */
export interface TrainState {
  /** Parameters. */
  weights: Weights;
  /** First moments. */
  m: Weights;
  /** Second moments. */
  v: Weights;
  /** Steps done. */
  step: number;
  /** Tokens since each latent fired. */
  sinceFired: number[];
}

/** Numbers of a step. */
export interface StepOptions {
  /** Active latents a row. */
  k: number;
  /** Dead latents that AuxK uses a row. */
  kAux: number;
  /** Coefficient of AuxK. */
  alpha: number;
  /** Tokens without firing that make a latent dead. */
  deadAfter: number;
  /** Learning rate. */
  lr: number;
  /** Adam. */
  beta1: number;
  /** Adam. */
  beta2: number;
  /** Adam. */
  eps: number;
  /** Longest gradient; 0 for no clipping. */
  clip: number;
}

/** A sparse code by rows: (latent, value) with value > 0. */
export type Code = { latent: number; value: number }[][];

/** What a step found out. */
export interface StepResult {
  /** Gradients before projection. */
  gradients: Weights;
  /** Fraction of variance unexplained. */
  fvu: number;
  /** AuxK loss. */
  auxLoss: number;
  /** Length of the gradient after projection. */
  gradNorm: number;
  /** The code. */
  code: Code;
}

/** Weights of the same shape, made entry by entry from those of `shape`. */
export function mapWeights(
  shape: Weights,
  f: (name: keyof Weights, i: number, j: number) => number,
): Weights {
  const matrix = (name: "wEnc" | "wDec") =>
    shape[name].map((row, i) => row.map((_, j) => f(name, i, j)));
  const vector = (name: "bEnc" | "bDec") => shape[name].map((_, j) => f(name, 0, j));
  return {
    wEnc: matrix("wEnc"),
    bEnc: vector("bEnc"),
    wDec: matrix("wDec"),
    bDec: vector("bDec"),
  };
}

/** One number of some weights. */
export function at(w: Weights, name: keyof Weights, i: number, j: number): number {
  const part = w[name][name === "bEnc" || name === "bDec" ? j : i];
  return typeof part === "number" ? part : part[j];
}

/** Zero moments and counters around first weights. */
export function startState(weights: Weights): TrainState {
  const zero = () => mapWeights(weights, () => 0);
  return { weights, m: zero(), v: zero(), step: 0, sinceFired: weights.bEnc.map(() => 0) };
}
