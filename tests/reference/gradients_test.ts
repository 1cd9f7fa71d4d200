/** The references' gradients against finite differences of the loss that the references compute, in float64. */
import assert from "assert";
import { biasGradient } from "../../lib/reference/bias_gradient.ts";
import { centerRows } from "../../lib/reference/center_rows.ts";
import { codeGradient } from "../../lib/reference/code_gradient.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { decodeRows } from "../../lib/reference/decode_rows.ts";
import { encodeGemm } from "../../lib/reference/encode_gemm.ts";
import { gradLatents } from "../../lib/reference/grad_latents.ts";
import { lossScalars } from "../../lib/reference/loss_scalars.ts";
import { normaliseRows } from "../../lib/reference/normalise_rows.ts";
import { projectRows } from "../../lib/reference/project_rows.ts";
import { residualRows } from "../../lib/reference/residual_rows.ts";
import { topkFinish } from "../../lib/reference/topk_finish.ts";
import { topkMerge } from "../../lib/reference/topk_merge.ts";
import { type Code, dot, type Matrix } from "../../lib/reference/types.ts";
import { matrix, vector } from "../kernels/samples.ts";

const [ROWS, D, LATENTS, K] = [13, 6, 17, 3];
const STEP = 1e-5;

const x = matrix(ROWS, D, { seed: 1 });
const wEnc = matrix(LATENTS, D, { seed: 2 });
const wDec = matrix(LATENTS, D, { seed: 3 });
const bEnc = vector(LATENTS, { seed: 4, scale: 0.1 });
const bDec = vector(D, { seed: 5, scale: 0.1 });

function encode(): Code {
  return topkFinish(topkMerge(encodeGemm(centerRows(x, bDec), wEnc, bEnc), K));
}

function loss(): number {
  return lossScalars(x, decodeRows(encode(), wDec, bDec)).loss;
}

/** The derivative of `f` by `vector[i]`, which is changed and put back. */
function derivative(f: () => number, vector: Float64Array, i: number): number {
  const kept = vector[i];
  vector[i] = kept + STEP;
  const above = f();
  vector[i] = kept - STEP;
  const below = f();
  vector[i] = kept;
  return (above - below) / (2 * STEP);
}

function near(got: number, wanted: number, what: string): void {
  assert.ok(Math.abs(got - wanted) < 1e-7 + 1e-6 * Math.abs(wanted), `${what}: ${got}, ${wanted}`);
}

function backward() {
  const code = encode();
  const recon = decodeRows(code, wDec, bDec);
  const { residual } = residualRows(x, recon, columnSums(x).map((v) => v / ROWS));
  const { scale } = lossScalars(x, recon);
  const dz = codeGradient(code, wDec, residual, scale);
  const { grad, gradBias } = gradLatents(code, dz, centerRows(x, bDec), LATENTS);
  const values = code.map((row) => row.map((e) => e.value * scale));
  return {
    wEnc: grad,
    bEnc: gradBias,
    wDec: gradLatents(code, values, residual, LATENTS).grad,
    bDec: biasGradient(residual, scale, { gradBias, wEnc }),
  };
}

Deno.test("the gradients of all four parameters are the loss's finite differences", () => {
  const got = backward();
  const check = (m: Matrix, gradient: Matrix, what: string) =>
    m.forEach((row, r) =>
      row.forEach((_, c) => near(gradient[r][c], derivative(loss, row, c), `${what} [${r}][${c}]`))
    );
  check(wEnc, got.wEnc, "W_enc");
  check([bEnc], [got.bEnc], "b_enc");
  check(wDec, got.wDec, "W_dec");
  check([bDec], [got.bDec], "b_dec");
});

Deno.test("a projected gradient is that of the loss of normalised rows", () => {
  // For unit rows the derivative through the normalisation is the gradient less its parallel component.
  const unit = normaliseRows(wDec);
  const code = encode();
  const recon = decodeRows(code, unit, bDec);
  const { residual } = residualRows(x, recon, new Float64Array(D));
  const { scale } = lossScalars(x, recon);
  const values = code.map((row) => row.map((e) => e.value * scale));
  const projected = projectRows(unit, gradLatents(code, values, residual, LATENTS).grad);
  const through = () => lossScalars(x, decodeRows(code, normaliseRows(unit), bDec)).loss;
  unit.forEach((row, l) => {
    row.forEach((_, c) => near(projected[l][c], derivative(through, row, c), `[${l}][${c}]`));
    near(dot(projected[l], row), 0, `parallel component of ${l}`);
  });
});
