/**
 * The lower terms of a Newton-Schulz step, for the small side of an encoder matrix.
 * @module
 */
import { createRows, onlyShard } from "../../lib/gpu/rows.ts";
import { schulzPolynomial } from "../../lib/kernels/schulz_polynomial.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "schulz_polynomial",
  cases: (stage) =>
    stage.shapes.map(({ d }) => {
      const polynomial = createRows(stage.gpu, "bench polynomial", d, d);
      return {
        shape: `${d} x ${d}`,
        cost: schulzPolynomial.cost({ d }),
        commands: schulzPolynomial.record(stage.gpu, {
          gram: stage.matrix(d, d, 1),
          polynomial,
          a: 3.4445,
          b: -4.775,
        }),
        output: onlyShard(polynomial),
      };
    }),
};
