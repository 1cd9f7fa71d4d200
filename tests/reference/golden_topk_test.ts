/** One step of TopK with AuxK, composed from the references, against numbers that were worked out apart from them. */
import assert from "assert";
import { biasGradient } from "../../lib/reference/bias_gradient.ts";
import { centerRows } from "../../lib/reference/center_rows.ts";
import { codeGradient } from "../../lib/reference/code_gradient.ts";
import { decodeRows } from "../../lib/reference/decode_rows.ts";
import { encodeGemm } from "../../lib/reference/encode_gemm.ts";
import { gatherRows } from "../../lib/reference/gather_rows.ts";
import { gradLatents } from "../../lib/reference/grad_latents.ts";
import { listDead } from "../../lib/reference/list_dead.ts";
import { lossScalars } from "../../lib/reference/loss_scalars.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { residualRows } from "../../lib/reference/residual_rows.ts";
import { topkFinish } from "../../lib/reference/topk_finish.ts";
import { topkMerge } from "../../lib/reference/topk_merge.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";

const rows = (...m: number[][]): Matrix => m.map((row) => Float64Array.from(row));

const x = rows([1, 2, -1], [0.5, -1, 2]);
const wEnc = rows([1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]);
const wDec = rows([1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, 0.8]);
const bEnc = Float64Array.of(0, 0.1, -0.1, 0.2);
const bDec = Float64Array.of(0.1, 0, 0);
const dead = [0, 0, 0, 1];
const ALPHA = 1 / 32;

/** The numbers are given to 6 or 7 digits. */
function near(got: Matrix, wanted: Matrix, what: string): void {
  wanted.forEach((row, r) =>
    row.forEach((v, c) => {
      assert.ok(Math.abs(got[r][c] - v) < 6e-7, `${what} [${r}][${c}] is ${got[r][c]}, not ${v}`);
    })
  );
}

function sum(a: Matrix, b: Matrix, factor = 1): Matrix {
  return a.map((row, r) => row.map((v, c) => v + factor * b[r][c]));
}

function values(code: Code): number[][] {
  return code.map((entries) => entries.map((e) => e.value));
}

Deno.test("the references compose to the TopK and AuxK step that was worked out by hand", () => {
  const centred = centerRows(x, bDec);
  const scores = encodeGemm(centred, wEnc, bEnc);
  near(
    scores.map((row) => row.map((v) => Math.max(v, 0))),
    rows([0.9, 2.1, 0, 1.15], [0.4, 0, 1.9, 0.9]),
    "ReLU of the scores",
  );
  const code = topkFinish(topkMerge(scores, 1));
  assert.deepEqual(code.map((row) => row.map((e) => e.latent)), [[1], [2]]);
  near(values(code).map((v) => Float64Array.from(v)), rows([2.1], [1.9]), "value");

  const recon = decodeRows(code, wDec, bDec);
  const mean = columnSums(x).map((v) => v / x.length);
  const { residual } = residualRows(x, recon, mean);
  near(residual, rows([0.9, -0.1, -1], [0.4, -1, 0.1]), "error");
  const main = lossScalars(x, recon);
  near(rows([main.spread, main.loss]), rows([9.125, 0.3276712]), "spread and loss");

  // AuxK: the dead latents alone are scored, and reconstruct the error.
  const list = listDead(dead);
  const { panel, panelBias } = gatherRows(list, wEnc, bEnc);
  const auxScores = encodeGemm(centred, panel, Float64Array.from(panelBias));
  const auxCode = topkFinish(topkMerge(auxScores, 1), list);
  const auxRecon = decodeRows(auxCode, wDec);
  const errorMean = columnSums(residual).map((v) => v / x.length);
  const auxResidual = residualRows(residual, auxRecon, errorMean).residual;
  const aux = lossScalars(residual, auxRecon);
  near(rows([aux.spread, aux.loss]), rows([1.135, 4.5325991]), "auxiliary spread and loss");
  near(rows([main.loss + ALPHA * aux.loss]), rows([0.4693150]), "total loss");

  const dz = codeGradient(code, wDec, residual, main.scale);
  const auxDz = codeGradient(auxCode, wDec, auxResidual, ALPHA * aux.scale);
  const ofEnc = gradLatents(code, dz, centred, 4);
  const ofEncAux = gradLatents(auxCode, auxDz, centred, 4);
  const ofDec = gradLatents(code, values(code), residual, 4).grad;
  const ofDecAux = gradLatents(auxCode, values(auxCode), auxResidual, 4).grad;
  near(
    sum(ofEnc.grad, ofEncAux.grad),
    rows(
      [0, 0, 0],
      [0.019726, 0.043836, -0.021918],
      [-0.008767, 0.021918, -0.043836],
      [0.082654, 0.123348, -0.013767],
    ),
    "gradient of W_enc",
  );
  const gradBias = sum([ofEnc.gradBias], [ofEncAux.gradBias])[0];
  near([gradBias], rows([0, 0.021918, -0.021918, 0.109581]), "gradient of b_enc");
  near(
    sum(
      ofDec.map((row) => row.map((v) => v * main.scale)),
      ofDecAux,
      ALPHA * aux.scale,
    ),
    rows(
      [0, 0, 0],
      [-0.414247, 0.046027, 0.460274],
      [-0.166575, 0.416438, -0.041644],
      [-0.006360, 0.055892, 0.152313],
    ),
    "gradient of W_dec",
  );
  near(
    [biasGradient(residual, main.scale, { gradBias, wEnc })],
    rows([-0.339722, 0.164387, 0.164387]),
    "gradient of b_dec",
  );
});
