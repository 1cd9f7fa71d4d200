/** Gradients under penalties against finite differences, and thresholds against a dense sum of the estimator. */
import assert from "assert";
import type { PenaltyForm } from "../../lib/reference/penalise_entries.ts";
import { countPenalty } from "../../lib/reference/penalty_coefficient.ts";
import { slopeOf } from "../../lib/reference/penalise_entries.ts";
import {
  type DenseWeights,
  gatedStep,
  type GatedWeights,
  type PenalisedOptions,
  penalisedStep,
} from "../../lib/reference/penalised_step.ts";
import { rowNorms } from "../../lib/reference/row_norms.ts";
import { jump } from "../../lib/reference/threshold_gradient.ts";
import { dot } from "../../lib/reference/types.ts";
import { matrix, vector } from "../kernels/samples.ts";

const [ROWS, D, LATENTS] = [11, 5, 9];
const x = matrix(ROWS, D, { seed: 1 }).slice();

function dense(threshold: Float64Array): DenseWeights {
  return {
    wEnc: matrix(LATENTS, D, { seed: 2, scale: 0.6 }).slice(),
    bEnc: vector(LATENTS, { seed: 3, scale: 0.2 }),
    wDec: matrix(LATENTS, D, { seed: 4 }).slice(),
    bDec: vector(D, { seed: 5, scale: 0.1 }),
    threshold,
  };
}

/** Compares the gradient of each number of `parts` with the difference of the loss around it. */
function differences(
  loss: () => number,
  parts: Record<string, [Float64Array[], readonly Float64Array[]]>,
): void {
  for (const [name, [values, gradients]] of Object.entries(parts)) {
    values.forEach((row, r) =>
      row.forEach((kept, c) => {
        row[c] = kept + 1e-6;
        const above = loss();
        row[c] = kept - 1e-6;
        const wanted = (above - loss()) / 2e-6;
        row[c] = kept;
        const off = Math.abs(gradients[r][c] - wanted);
        assert.ok(
          off < 1e-6 + 1e-5 * Math.abs(wanted),
          `${name} ${r} ${c}: ${gradients[r][c]}, ${wanted}`,
        );
      })
    );
  }
}

const FORMS: PenaltyForm[] = [
  { kind: "l1" },
  { kind: "lp_norm", p: 1.4 },
  { kind: "power", p: 0.6 },
  { kind: "tanh", scale: 4 },
  { kind: "tanh_quad", scale: 4, frequency: 0.1 },
];

Deno.test("ReLU under every penalty: gradients are finite differences, with and without decoder norms", () => {
  for (const form of FORMS) {
    for (const byNorms of [true, false]) {
      const options = { form, coefficient: 0.3, byNorms, window: 0, preAct: 0 };
      const w = dense(new Float64Array(LATENTS));
      const { gradients: g, code } = penalisedStep(w, x, options);
      assert.ok(code.flat().length > 20);
      differences(() => penalisedStep(w, x, options).loss, {
        wEnc: [w.wEnc, g.wEnc],
        bEnc: [[w.bEnc], [g.bEnc]],
        wDec: [w.wDec, g.wDec],
        bDec: [[w.bDec], [g.bDec]],
      });
    }
  }
});

const THRESHOLDS = vector(LATENTS, { seed: 6, scale: 0.3 }).map((v) => Math.abs(v) + 0.05);

Deno.test("JumpReLU with the pre-activation loss: gradients of all but thresholds are finite differences", () => {
  const options = { form: FORMS[3], coefficient: 0.4, byNorms: true, window: 1, preAct: 0.2 };
  const w = dense(THRESHOLDS.slice());
  const { gradients: g } = penalisedStep(w, x, options);
  differences(() => penalisedStep(w, x, options).loss, {
    wEnc: [w.wEnc, g.wEnc],
    bEnc: [[w.bEnc], [g.bEnc]],
    wDec: [w.wDec, g.wDec],
    bDec: [[w.bDec], [g.bDec]],
  });
});

/** The estimator summed over all pairs, nothing sparse. */
function thresholdsDensely(w: DenseWeights, options: PenalisedOptions): Float64Array {
  const norms = rowNorms(w.wDec);
  const out = new Float64Array(LATENTS);
  const scores = x.map((row) =>
    Float64Array.from(w.wEnc, (e, l) => dot(e, row.map((v, j) => v - w.bDec[j])) + w.bEnc[l])
  );
  const jumps = scores.map((row) =>
    Array.from(row, (h, l) => jump(h, w.threshold[l], options.window))
  );
  const l0 = jumps.flat().filter(({ f }) => f > 0).length / ROWS;
  jumps.forEach((row, r) => {
    const residual = x[r].map((v, j) =>
      v - w.bDec[j] - row.reduce((s, { f }, l) => s + f * w.wDec[l][j], 0)
    );
    row.forEach(({ f, dfByThreshold, dStepByThreshold }, l) => {
      let byValue = -2 / ROWS * dot(residual, w.wDec[l]);
      if (options.form) {
        byValue += options.coefficient / ROWS * norms[l] *
          slopeOf(options.form, f * norms[l], 0, 0);
      }
      out[l] += byValue * dfByThreshold;
      if (!options.form) {
        out[l] += countPenalty(options.coefficient, l0, options.goal).coefficient / ROWS *
          dStepByThreshold;
      }
      const lacks = w.threshold[l] - scores[r][l];
      if (lacks > 0) out[l] += options.preAct / ROWS * norms[l];
    });
  });
  return out;
}

Deno.test("JumpReLU: thresholds get the estimator's sum over all pairs, also of inactive entries", () => {
  const variants: PenalisedOptions[] = [
    { form: FORMS[3], coefficient: 0.4, byNorms: true, window: 1, preAct: 0.2 },
    { coefficient: 0.4, byNorms: true, window: 0.5, preAct: 0 },
    { coefficient: 0.4, goal: 2, byNorms: true, window: 0.5, preAct: 0 },
  ];
  for (const options of variants) {
    const w = dense(THRESHOLDS.slice());
    const got = penalisedStep(w, x, options).gradients.threshold;
    const wanted = thresholdsDensely(w, options);
    assert.ok(wanted.some((v) => v !== 0));
    got.forEach((v, l) => assert.ok(Math.abs(v - wanted[l]) < 1e-12, `${l}: ${v}, ${wanted[l]}`));
  }
});

Deno.test("gated: gradients are finite differences with the gate's own decoder held fixed", () => {
  const w: GatedWeights = {
    wEnc: matrix(LATENTS, D, { seed: 2, scale: 0.6 }).slice(),
    rMag: vector(LATENTS, { seed: 7, scale: 0.3 }),
    bGate: vector(LATENTS, { seed: 8, scale: 0.2 }),
    bMag: vector(LATENTS, { seed: 9, scale: 0.2 }),
    wDec: matrix(LATENTS, D, { seed: 4 }).slice(),
    bDec: vector(D, { seed: 5, scale: 0.1 }),
  };
  const frozen = { wDec: w.wDec.map((row) => row.slice()), bDec: w.bDec.slice() };
  const { gradients: g, code } = gatedStep(w, x, 0.3);
  assert.ok(code.flat().length > 20);
  differences(() => gatedStep(w, x, 0.3, frozen).loss, {
    wEnc: [w.wEnc, g.wEnc],
    rMag: [[w.rMag], [g.rMag]],
    bGate: [[w.bGate], [g.bGate]],
    bMag: [[w.bMag], [g.bMag]],
    wDec: [w.wDec, g.wDec],
    bDec: [[w.bDec], [g.bDec]],
  });
});
