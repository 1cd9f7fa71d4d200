import { biasGradient } from "../../lib/kernels/bias_gradient.ts";
import { biasGradient as reference } from "../../lib/reference/bias_gradient.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { dot } from "../../lib/reference/types.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, vector } from "./samples.ts";

const WORD = 2;

function cases(tied: boolean): KernelCase[] {
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
      const grad = bench.outputSheet("grad", 1, d);
      const squares = bench.output("squares", 1);
      return {
        commands: [biasGradient.record(bench.gpu, {
          d,
          residualSum: bench.vector("residual sum", residualSum),
          encoderSum: tied ? bench.vector("encoder sum", encoderSum) : undefined,
          scalars: bench.floats("scalars", scalars),
          scaleWord: WORD,
          grad: grad.buffer,
          squares,
        })],
        verify() {
          const wanted = reference(residual, scale, tied ? encoder : undefined);
          const bounds = residualSum.map((sum, c) =>
            3 * EPS * (Math.abs(scale * sum) + (tied ? Math.abs(encoderSum[c]) : 0))
          );
          assertClose(bench.matrixOf(grad)[0], wanted, bounds, "gradient of column");
          const sizes = wanted.map((v, c) => 2 * Math.abs(v) + bounds[c]);
          const bound = sumError(d) * dot(wanted, wanted) + dot(sizes, bounds);
          assertClose(bench.floatsOf(squares), [dot(wanted, wanted)], [bound], "square");
        },
      };
    },
  }));
}

Deno.test("biasGradient sums the output's role", () => checkKernel(cases(false)));

Deno.test("biasGradient takes off the role in the encoder's input", () => checkKernel(cases(true)));
