/**
 * A whole training step of a TopK autoencoder in plain float64, to be read from top to bottom: what the GPU must do.
 * Order of a step: forward, losses, gradients, projection, clipping, Adam, unit rows (architectures spec, 0.4 and 2).
 * @module
 */

import {
  at,
  type Code,
  mapWeights,
  type StepOptions,
  type StepResult,
  type TrainState,
  type Weights,
} from "./train_state.ts";

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, v, i) => sum + v * b[i], 0);

/** The k largest positive scores of latents in `among`; ties to the lowest latent; ascending by latent. */
function select(scores: readonly number[], among: readonly number[], k: number): Code[number] {
  return among.map((latent) => ({ latent, value: scores[latent] }))
    .sort((a, b) => b.value - a.value || a.latent - b.latent)
    .slice(0, k)
    .filter((e) => e.value > 0)
    .sort((a, b) => a.latent - b.latent);
}

/** Σ‖row - mean row‖². */
function spread(rows: readonly number[][]): number {
  const mean = rows[0].map((_, j) => rows.reduce((s, r) => s + r[j], 0) / rows.length);
  return rows.reduce((s, r) => s + r.reduce((t, v, j) => t + (v - mean[j]) ** 2, 0), 0);
}

/** One step on the batch `x` [B][d]; changes `state` in place. */
export function trainStep(
  state: TrainState,
  x: readonly number[][],
  options: StepOptions,
): StepResult {
  const { wEnc, bEnc, wDec, bDec } = state.weights;
  const latents = bEnc.map((_, f) => f);
  const gradients = mapWeights(state.weights, () => 0);

  // Forward: scores, selection, reconstruction.
  const centred = x.map((row) => row.map((v, j) => v - bDec[j]));
  const scores = centred.map((c) => latents.map((f) => dot(c, wEnc[f]) + bEnc[f]));
  const code = scores.map((s) => select(s, latents, options.k));
  const decode = (entries: Code[number], start: readonly number[]) =>
    entries.reduce((y, e) => y.map((v, j) => v + e.value * wDec[e.latent][j]), [...start]);
  const error = x.map((row, b) => {
    const recon = decode(code[b], bDec);
    return row.map((v, j) => v - recon[j]);
  });

  // Loss fvu = Σ‖e‖² / V and its gradient -2 e / V by the reconstruction.
  const variance = spread(x);
  const fvu = error.reduce((s, e) => s + dot(e, e), 0) / variance;
  const back = (entries: Code, residual: number[][], scale: number) =>
    entries.forEach((row, b) =>
      row.forEach(({ latent, value }) => {
        const dz = scale * dot(residual[b], wDec[latent]);
        gradients.bEnc[latent] += dz;
        for (let j = 0; j < bDec.length; j++) {
          gradients.wDec[latent][j] += scale * value * residual[b][j];
          gradients.wEnc[latent][j] += dz * centred[b][j];
        }
      })
    );
  back(code, error, -2 / variance);
  for (let j = 0; j < bDec.length; j++) {
    gradients.bDec[j] += error.reduce((s, e) => s - 2 * e[j] / variance, 0);
  }

  // Dead latents are known before AuxK of the same step; they try to reconstruct the error, without bias.
  const fired = new Set(code.flat().map((e) => e.latent));
  state.sinceFired = state.sinceFired.map((n, f) => fired.has(f) ? 0 : n + x.length);
  const dead = latents.filter((f) => state.sinceFired[f] >= options.deadAfter);
  let auxLoss = 0;
  const errorSpread = spread(error);
  if (options.alpha > 0 && dead.length > 0 && errorSpread > 1e-12) {
    const auxCode = scores.map((s) => select(s, dead, options.kAux));
    const left = error.map((e, b) => {
      const recon = decode(auxCode[b], e.map(() => 0));
      return e.map((v, j) => v - recon[j]);
    });
    auxLoss = left.reduce((s, e) => s + dot(e, e), 0) / errorSpread;
    back(auxCode, left, -2 * options.alpha / errorSpread);
  }

  // b_dec is taken from the input too.
  for (let j = 0; j < bDec.length; j++) {
    gradients.bDec[j] -= latents.reduce((s, f) => s + gradients.bEnc[f] * wEnc[f][j], 0);
  }

  // Decoder gradients lose their part along the decoder row; then clip, then Adam, then unit rows.
  const along = wDec.map((w, f) => dot(w, gradients.wDec[f]) / dot(w, w));
  const projected: Weights = {
    ...gradients,
    wDec: gradients.wDec.map((g, f) => g.map((v, j) => v - along[f] * wDec[f][j])),
  };
  const gradNorm = Math.sqrt(
    [...projected.wEnc, ...projected.wDec, projected.bEnc, projected.bDec]
      .reduce((s, row) => s + dot(row, row), 0),
  );
  const clip = options.clip > 0 && gradNorm > options.clip ? options.clip / gradNorm : 1;
  const t = ++state.step;
  const { beta1, beta2, eps, lr } = options;
  const g = mapWeights(projected, (name, i, j) => clip * at(projected, name, i, j));
  state.m = mapWeights(g, (n, i, j) => beta1 * at(state.m, n, i, j) + (1 - beta1) * at(g, n, i, j));
  state.v = mapWeights(
    g,
    (n, i, j) => beta2 * at(state.v, n, i, j) + (1 - beta2) * at(g, n, i, j) ** 2,
  );
  state.weights = mapWeights(g, (n, i, j) => {
    const mHat = at(state.m, n, i, j) / (1 - beta1 ** t);
    const vHat = at(state.v, n, i, j) / (1 - beta2 ** t);
    return at(state.weights, n, i, j) - lr * mHat / (Math.sqrt(vHat) + eps);
  });
  state.weights.wDec = state.weights.wDec.map((row) => {
    const norm = Math.sqrt(dot(row, row));
    return row.map((v) => v / norm);
  });
  return { gradients, fvu, auxLoss, gradNorm, code };
}
