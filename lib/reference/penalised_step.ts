/**
 * Loss and gradients of one step under a penalty, in float64, from the references of the kernels: ReLU, JumpReLU and gated
 * autoencoders with the loss `sum_mean`. Source: architectures spec, sections 1, 4, 5.
 * @module
 */
import { biasGradient } from "./bias_gradient.ts";
import { centerRows } from "./center_rows.ts";
import { codeGradient } from "./code_gradient.ts";
import { decodeRows } from "./decode_rows.ts";
import { emitGated, emitJump } from "./emit_panel.ts";
import { encodeGemm } from "./encode_gemm.ts";
import { gatedGradient } from "./gated_gradient.ts";
import { gradLatents } from "./grad_latents.ts";
import { penaliseEntries, type PenaltyForm, tanhMeans } from "./penalise_entries.ts";
import { countPenalty } from "./penalty_coefficient.ts";
import { normGradient, quadPenalty } from "./penalty_latents.ts";
import { preActGradient } from "./pre_act_gradient.ts";
import { rowNorms } from "./row_norms.ts";
import { thresholdGradient } from "./threshold_gradient.ts";
import { type Code, type EntryNumbers, type Matrix, zeros } from "./types.ts";

/** Parameters of a dense autoencoder, or their gradients. */
export interface DenseWeights {
  /** [F][d]. */
  wEnc: Float64Array[];
  /** [F]. */
  bEnc: Float64Array;
  /** [F][d]. */
  wDec: Float64Array[];
  /** [d]; also taken from the input. */
  bDec: Float64Array;
  /** [F]; zeros for ReLU. */
  threshold: Float64Array;
}

/** What is penalised, and how thresholds learn. */
export interface PenalisedOptions {
  /** A penalty on values; absent when it is on their number. */
  form?: PenaltyForm;
  /** Its coefficient. */
  coefficient: number;
  /** L0 that a penalty on the number measures from. */
  goal?: number;
  /** Whether values are multiplied with decoder norms. */
  byNorms: boolean;
  /** Width of the window around thresholds; 0 for ReLU. */
  window: number;
  /** Coefficient of the pre-activation loss. */
  preAct: number;
}

const add = (a: EntryNumbers, b: EntryNumbers) => a.map((row, r) => row.map((v, i) => v + b[r][i]));

/** What a code's reconstruction leaves, and the loss of it. */
function reconstruct(x: Matrix, code: Code, wDec: Matrix, bDec: Float64Array) {
  const recon = decodeRows(code, wDec, bDec);
  const residual = x.map((row, r) => row.map((v, c) => v - recon[r][c]));
  const square = residual.reduce((s, row) => s + row.reduce((t, v) => t + v * v, 0), 0);
  return { residual, scale: -2 / x.length, loss: square / x.length };
}

/** The part of a penalty in the loss, and its derivatives by entries and norms. */
function penalty(code: Code, options: PenalisedOptions, norms: Float64Array) {
  const { form, coefficient } = options;
  const used = options.byNorms ? norms : norms.map(() => 1);
  if (!form) return { loss: 0, dz: code.map((row) => row.map(() => 0)), values: [], used };
  const scale = "scale" in form ? form.scale : 0;
  const means = tanhMeans(code, scale, norms.length, used);
  const { dz, values } = penaliseEntries(code, form, { coefficient, norms: used, means });
  const loss = form.kind === "tanh_quad"
    ? coefficient * quadPenalty(means, form.frequency)
    : coefficient * values.reduce((s, v) => s + v, 0) / code.length;
  return { loss, dz, values, used, means };
}

/** Loss and gradients of ReLU and JumpReLU autoencoders on the rows `x`. */
export function penalisedStep(
  w: DenseWeights,
  x: Matrix,
  options: PenalisedOptions,
): { loss: number; gradients: DenseWeights; code: Code } {
  const latents = w.bEnc.length;
  const centred = centerRows(x, w.bDec);
  const scores = encodeGemm(centred, w.wEnc, w.bEnc);
  const { active: code, second: near } = emitJump(scores, w.threshold, options.window);
  const norms = rowNorms(w.wDec);
  const main = reconstruct(x, code, w.wDec, w.bDec);
  const on = penalty(code, options, norms);
  const { coefficient, goal, window } = options;
  const count = options.form
    ? { loss: 0, coefficient: 0 }
    : countPenalty(coefficient, code.flat().length / x.length, goal);
  const pre = preActGradient(scores, w.threshold, norms, { lambda: options.preAct, scaled: false });

  // By scores: of active entries, and of every pair below its threshold.
  const dz = add(codeGradient(code, w.wDec, main.residual, main.scale), on.dz);
  const encoder = gradLatents(code, dz, centred, latents);
  const wEnc = zeros(latents, w.bDec.length);
  const bEnc = new Float64Array(latents);
  for (let l = 0; l < latents; l++) {
    bEnc[l] = encoder.gradBias[l];
    wEnc[l].set(encoder.grad[l]);
    centred.forEach((c, r) => {
      bEnc[l] += pre.byScore[r][l];
      c.forEach((v, j) => wEnc[l][j] += pre.byScore[r][l] * v);
    });
  }

  // By thresholds: from the entries near them.
  const threshold = new Float64Array(latents);
  if (window > 0) {
    const reach = codeGradient(near, w.wDec, main.residual, main.scale);
    const { means, values, used: factors } = on;
    const more = options.form
      ? penaliseEntries(near, options.form, { coefficient, norms: factors, means, values }).dz
      : near.map((row) => row.map(() => 0));
    const step = { window, step: count.coefficient };
    thresholdGradient(near, add(reach, more), w.threshold, step).grad
      .forEach((g, l) => threshold[l] = g + pre.byThreshold[l]);
  }

  // By decoder rows: from the reconstruction, and through their norms.
  const values = code.map((row) => row.map((e) => main.scale * e.value));
  const byNorm = options.form && options.byNorms
    ? normGradient(code, options.form, { ...options, norms, means: on.means, values: on.values })
    : new Float64Array(latents);
  const wDec = gradLatents(code, values, main.residual, latents).grad.map((g, l) =>
    g.map((v, j) => v + (byNorm[l] + pre.byNorm[l]) * w.wDec[l][j] / (norms[l] || 1))
  );
  const bDec = biasGradient(main.residual, main.scale, { gradBias: bEnc, wEnc: w.wEnc });
  const loss = main.loss + on.loss + count.loss + pre.loss;
  return { loss, gradients: { wEnc, bEnc, wDec, bDec, threshold }, code };
}

/** Parameters of a gated autoencoder, or their gradients. */
export interface GatedWeights {
  /** [F][d]. */
  wEnc: Float64Array[];
  /** [F]. */
  rMag: Float64Array;
  /** [F]. */
  bGate: Float64Array;
  /** [F]. */
  bMag: Float64Array;
  /** [F][d]. */
  wDec: Float64Array[];
  /** [d]; also taken from the input. */
  bDec: Float64Array;
}

/**
 * Loss and gradients of a gated autoencoder under `coefficient · Σ ReLU(π)`.
 * @param frozen decoder of the gate's own reconstruction, which gets no gradient from it
 */
export function gatedStep(
  w: GatedWeights,
  x: Matrix,
  coefficient: number,
  frozen: Pick<GatedWeights, "wDec" | "bDec"> = w,
): { loss: number; gradients: GatedWeights; code: Code } {
  const latents = w.rMag.length;
  const centred = centerRows(x, w.bDec);
  const scores = encodeGemm(centred, w.wEnc, new Float64Array(latents));
  const { active, second: gate } = emitGated(scores, { r: w.rMag, ...w });
  const main = reconstruct(x, active, w.wDec, w.bDec);
  const own = reconstruct(x, gate, frozen.wDec, frozen.bDec);
  const l1 = penaliseEntries(gate, { kind: "l1" }, { coefficient });
  const dPi = add(codeGradient(gate, frozen.wDec, own.residual, own.scale), l1.dz);
  const dq = codeGradient(active, w.wDec, main.residual, main.scale);
  const { r, bMag, du } = gatedGradient(active, dq, w.rMag, w.bMag);
  const fromGate = gradLatents(gate, dPi, centred, latents);
  const fromActive = gradLatents(active, du, centred, latents);
  const sum = fromGate.gradBias.map((v, l) => v + fromActive.gradBias[l]);
  const values = active.map((row) => row.map((e) => main.scale * e.value));
  const penalised = coefficient * l1.values.reduce((s, v) => s + v, 0) / x.length;
  return {
    loss: main.loss + own.loss + penalised,
    gradients: {
      wEnc: fromGate.grad.map((g, l) => g.map((v, j) => v + fromActive.grad[l][j])),
      rMag: r,
      bGate: fromGate.gradBias,
      bMag,
      wDec: gradLatents(active, values, main.residual, latents).grad.slice(),
      bDec: biasGradient(main.residual, main.scale, { gradBias: sum, wEnc: w.wEnc }),
    },
    code: active,
  };
}
