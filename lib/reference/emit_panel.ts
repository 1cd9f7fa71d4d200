/**
 * From scores to codes by a threshold.
 * @module
 */
import type { Code, Entry, Matrix } from "./types.ts";

/**
 * Latents whose score exceeds 0 and their bar, strictly, with their scores. NaN never passes.
 * @param barOf bar of a latent in a row
 * @param limit latents at or beyond it do not take part
 */
export function emitPanel(
  scores: Matrix,
  barOf: (latent: number, row: number) => number = () => 0,
  limit: number = Infinity,
): Code {
  return scores.map((row, r) =>
    Array.from(row, (value, latent) => ({ latent, value }))
      .filter(({ latent, value }) => latent < limit && value > 0 && value > barOf(latent, r))
  );
}

/** Two codes of the same scores. */
export interface CodePair {
  /** What is active. */
  active: Code;
  /** What the gradient needs beyond. */
  second: Code;
}

/** JumpReLU: active is h > θ and h > 0; the window is |h - θ| < `window` / 2 and h > 0, 0 where not active. */
export function emitJump(scores: Matrix, theta: Float64Array, window: number): CodePair {
  return {
    active: emitPanel(scores, (latent) => theta[latent]),
    second: scores.map((row) =>
      Array.from(row, (h, latent): Entry[] => {
        const near = h > 0 && Math.abs(h - theta[latent]) < window / 2;
        return near ? [{ latent, value: h > theta[latent] ? h : 0 }] : [];
      }).flat()
    ),
  };
}

/** Gated: π = u + b_gate, q = e^r u + b_mag; active is π > 0 and q > 0 with q, the second code is π > 0 with π. */
export function emitGated(
  scores: Matrix,
  { r, bGate, bMag }: Record<"r" | "bGate" | "bMag", Float64Array>,
): CodePair {
  const both = scores.map((row) =>
    Array.from(row, (u, latent) => ({
      latent,
      pi: u + bGate[latent],
      q: Math.exp(r[latent]) * u + bMag[latent],
    })).filter(({ pi }) => pi > 0)
  );
  return {
    active: both.map((row) =>
      row.filter(({ q }) => q > 0).map(({ latent, q }) => ({ latent, value: q }))
    ),
    second: both.map((row) => row.map(({ latent, pi }) => ({ latent, value: pi }))),
  };
}
