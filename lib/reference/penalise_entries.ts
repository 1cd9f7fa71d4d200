/**
 * Sparsity penalties on the values of a code.
 * @module
 */
import type { Code, EntryNumbers } from "./types.ts";

/** A penalty on a row's values u = value · norm. */
export type PenaltyForm =
  | { kind: "l1" }
  | { kind: "lp_norm"; p: number }
  | { kind: "power"; p: number }
  | { kind: "tanh"; scale: number }
  | { kind: "tanh_quad"; scale: number; frequency: number };

/** What u counts as at least where an exponent acts on it, so that slopes stay finite. */
const LEAST = 1e-6;

/** 1 / cosh². */
function sech2(v: number): number {
  return 1 / Math.cosh(v) ** 2;
}

/** Batch means of tanh(scale · u), by latent. */
export function tanhMeans(
  code: Code,
  scale: number,
  latents: number,
  norms?: ArrayLike<number>,
): Float64Array {
  const means = new Float64Array(latents);
  for (const e of code.flat()) {
    means[e.latent] += Math.tanh(scale * e.value * (norms?.[e.latent] ?? 1)) / code.length;
  }
  return means;
}

/** The penalty of a row; `tanh_quad` has none: it is a sum over latents. */
export function penaltyOf(form: PenaltyForm, us: readonly number[]): number {
  const sum = (f: (u: number) => number) => us.reduce((s, u) => s + f(u), 0);
  switch (form.kind) {
    case "l1":
      return sum((u) => u);
    case "lp_norm":
      return sum((u) => Math.max(u, LEAST) ** form.p) ** (1 / form.p);
    case "power":
      return sum((u) => Math.max(u, LEAST) ** form.p);
    case "tanh":
      return sum((u) => Math.tanh(form.scale * u));
    case "tanh_quad":
      return 0;
  }
}

/** Derivative of the penalty by u of a latent with the batch's mean `mean`, in a row whose penalty is `whole`. */
export function slopeOf(form: PenaltyForm, u: number, whole: number, mean: number): number {
  switch (form.kind) {
    case "l1":
      return 1;
    case "lp_norm":
      return whole > 0
        ? Math.max(whole, LEAST) ** (1 - form.p) * Math.max(u, LEAST) ** (form.p - 1)
        : 0;
    case "power":
      return form.p * Math.max(u, LEAST) ** (form.p - 1);
    case "tanh":
      return form.scale * sech2(form.scale * u);
    case "tanh_quad":
      return form.scale * sech2(form.scale * u) * (1 + 2 * mean / form.frequency);
  }
}

/** What a penalty does to a code. */
export interface Penalised {
  /** Derivative by every value of coefficient times the mean of the penalty over rows. */
  dz: EntryNumbers;
  /** Penalty of every row, without coefficient. */
  values: number[];
}

/** Derivatives and values. `values` of the model's code are needed for the derivatives of another one. */
export function penaliseEntries(
  code: Code,
  form: PenaltyForm,
  options: {
    coefficient: number;
    norms?: ArrayLike<number>;
    means?: ArrayLike<number>;
    values?: readonly number[];
  },
): Penalised {
  const { coefficient, norms, means } = options;
  const norm = (latent: number) => norms?.[latent] ?? 1;
  const values = options.values?.slice() ??
    code.map((row) => penaltyOf(form, row.map((e) => e.value * norm(e.latent))));
  const dz = code.map((row, r) =>
    row.map(({ latent, value }) => {
      const slope = slopeOf(form, value * norm(latent), values[r], means?.[latent] ?? 0);
      return coefficient / code.length * norm(latent) * slope;
    })
  );
  return { dz, values };
}
