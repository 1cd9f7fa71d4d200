import type { Gpu } from "../../lib/gpu/device.ts";
import { schulzPolynomial } from "../../lib/kernels/schulz_polynomial.ts";
import { schulzPolynomial as reference } from "../../lib/reference/schulz_polynomial.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { whole } from "./device.ts";
import { matrix } from "./samples.ts";

const A = Math.fround(3.4445);
const B = Math.fround(-4.775);

/** The same adapter with bindings of 64 rows of 136 floats: the last case needs three buffers. */
async function narrow(): Promise<Gpu> {
  const gpu = await whole();
  return { ...gpu, facts: { ...gpu.facts, maxBindingBytes: 64 * 136 * 4 } };
}

const cases: KernelCase[] = [1, 3, 64, 130].map((d, i) => ({
  name: `${d} columns`,
  build(bench) {
    const gram = matrix(d, d, { seed: i });
    const polynomial = bench.outputRows("polynomial", d, d);
    return {
      commands: schulzPolynomial.record(bench.gpu, {
        gram: bench.rows("gram", gram),
        polynomial,
        a: A,
        b: B,
      }),
      verify() {
        const bounds = gram.map((row) => row.map((v) => 2 * EPS * (A + Math.abs(B * v))));
        assertCloseRows(
          bench.matrixOf(polynomial),
          reference(gram, A, B),
          bounds,
          "polynomial",
        );
      },
    };
  },
}));

Deno.test("schulzPolynomial adds to the diagonal only, on any split", () =>
  checkKernel(cases, [whole, narrow]));
