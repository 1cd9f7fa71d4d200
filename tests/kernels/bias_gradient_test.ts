import { biasGradient } from "../../lib/kernels/bias_gradient.ts";
import { biasGradient as reference } from "../../lib/reference/bias_gradient.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { bitsOf } from "./bench.ts";
import { matrix, vector } from "./samples.ts";

const WORD = 2;

function cases(tied: boolean, add: boolean): KernelCase[] {
  return [1, 4, 7, 64, 257].map((d, i) => ({
    name: `d ${d}`,
    build(bench) {
      const residual = matrix(9, d, { seed: i });
      const scale = Math.fround(-0.21);
      const encoder = {
        gradBias: vector(11, { seed: 20 + i }),
        wEnc: matrix(11, d, { seed: 40 + i }),
      };
      const scalars = new Float32Array(16);
      scalars[WORD] = scale;
      const residualSum = columnSums(residual);
      const encoderSum = columnSums(encoder.wEnc, encoder.gradBias);
      const before = vector(d, { seed: 60 + i });
      const stride = Math.ceil(d / 4) * 4;
      const grad = bench.state(
        "grad",
        bitsOf(Float32Array.from({ length: stride }, (_, c) => before[c] ?? 0)),
      );
      return {
        commands: [biasGradient.record(bench.gpu, {
          d,
          residualSum: bench.vector("residual sum", residualSum),
          inputGradient: tied ? bench.vector("input gradient", encoderSum) : undefined,
          scalars: bench.floats("scalars", scalars),
          scaleWord: WORD,
          grad,
          add,
        })],
        verify() {
          const alone = reference(residual, scale, tied ? encoder : undefined);
          const wanted = alone.map((v, c) => v + (add ? before[c] : 0));
          const bounds = residualSum.map((sum, c) =>
            4 * EPS *
            (Math.abs(scale * sum) + (tied ? Math.abs(encoderSum[c]) : 0) +
              (add ? Math.abs(before[c]) : 0))
          );
          assertClose(bench.floatsOf(grad).subarray(0, d), wanted, bounds, "gradient of column");
        },
      };
    },
  }));
}

Deno.test("biasGradient sums the output's role", () => checkKernel(cases(false, false)));

Deno.test("biasGradient takes off the role in the encoder's input", () =>
  checkKernel(cases(true, false)));

Deno.test("biasGradient adds what further sites bring", () => checkKernel(cases(false, true)));
