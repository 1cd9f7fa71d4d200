import assert from "assert";
import { attentionMix, attentionScores } from "../../lib/reference/attention_product.ts";
import { causalSoftmax } from "../../lib/reference/causal_softmax.ts";
import { lorsaGradients, lorsaScores, type LorsaWeights } from "../../lib/reference/lorsa.ts";
import { dot, type Matrix } from "../../lib/reference/types.ts";
import { LORSA_CASES, partsOf, residualOf, scoreGradients, topkCode } from "./lorsa_cases.ts";

function largest(a: Matrix, b: Matrix): number {
  assert.equal(a.length, b.length);
  return Math.max(...a.flatMap((row, r) => Array.from(row, (v, c) => Math.abs(v - b[r][c]))));
}

Deno.test("lorsaScores() and the loss are PyTorch's", () => {
  for (const given of LORSA_CASES) {
    const scores = lorsaScores(given.x, given.weights, given.shape);
    assert.ok(largest(scores, given.scores) < 1e-10, given.name);
    const residual = residualOf(topkCode(scores, given.k), given);
    const loss = residual.reduce((sum, row) => sum + dot(row, row), 0) / residual.length;
    assert.ok(Math.abs(loss - given.loss) < 1e-9, given.name);
  }
});

Deno.test("lorsaGradients() are those of PyTorch's autograd", () => {
  for (const given of LORSA_CASES) {
    const code = topkCode(given.scores, given.k);
    const dh = scoreGradients(code, residualOf(code, given), given.wO);
    const got = partsOf(lorsaGradients(given.x, given.weights, dh, given.shape));
    assert.equal(got.size, given.weights.lnQ ? 8 : 6);
    for (const [name, wanted] of partsOf(given.gradients)) {
      if (name === "wO" || name === "bD") continue;
      assert.ok(largest(got.get(name)!, wanted) < 1e-9, `${name} of ${given.name}`);
    }
  }
});

Deno.test("lorsaGradients() are finite differences of lorsaScores()", () => {
  for (const { x, weights, shape, name: caseName } of LORSA_CASES.slice(0, 2)) {
    const dh = x.map((_, r) => Float64Array.from(weights.wV, (_, i) => Math.sin(3 * r + 7 * i)));
    const loss = (w: LorsaWeights) =>
      lorsaScores(x, w, shape).reduce((sum, row, r) => sum + dot(row, dh[r]), 0);
    const gradients = partsOf(lorsaGradients(x, weights, dh, shape));
    for (const [name, rows] of partsOf(weights)) {
      // One number of every parameter stands for the rest: autograd has judged all of them.
      const row = rows[rows.length - 1];
      const at = Math.floor(row.length / 2);
      const [old, step] = [row[at], 1e-5];
      row[at] = old + step;
      const above = loss(weights);
      row[at] = old - step;
      const below = loss(weights);
      row[at] = old;
      const wanted = (above - below) / (2 * step);
      const got = gradients.get(name)![rows.length - 1][at];
      assert.ok(Math.abs(got - wanted) < 1e-7 * (1 + Math.abs(wanted)), `${name} of ${caseName}`);
    }
  }
});

Deno.test("the scores are those of a dense encoder on the inputs that each head mixes", () => {
  const { x, weights, shape } = LORSA_CASES[2];
  const { heads, length, scale } = shape;
  const [width, group] = [weights.wQ.length / heads, weights.wV.length / heads];
  const scores = lorsaScores(x, weights, shape);
  for (let s = 0; s < x.length / length; s++) {
    const rows = x.slice(s * length, (s + 1) * length);
    for (let h = 0; h < heads; h++) {
      const side = (w: Matrix, b: Float64Array) =>
        rows.map((row) =>
          Float64Array.from(
            { length: width },
            (_, j) => dot(row, w[h * width + j]) + b[h * width + j],
          )
        );
      const [q, k] = [side(weights.wQ, weights.bQ), side(weights.wK, weights.bK)];
      const mixed = attentionMix(causalSoftmax(attentionScores(q, k), 1 / scale), rows);
      mixed.forEach((m, t) => {
        for (let i = h * group; i < (h + 1) * group; i++) {
          const score = dot(m, weights.wV[i]) + weights.bV[i];
          assert.ok(Math.abs(score - scores[s * length + t][i]) < 1e-12);
        }
      });
    }
  }
});
