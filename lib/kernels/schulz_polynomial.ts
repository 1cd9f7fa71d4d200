/**
 * The lower terms of the polynomial of a Newton-Schulz step: `a · I + b · gram`.
 * @module
 */
import source from "../../shaders/schulz_polynomial.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to combine. */
export interface SchulzPolynomialArgs {
  /** Square. */
  gram: Rows;
  /** Where it goes, split like `gram`. */
  polynomial: Rows;
  /** Factor of the unit matrix. */
  a: number;
  /** Factor of `gram`. */
  b: number;
}

/** The lower terms. */
export const schulzPolynomial = {
  kernel: defineKernel({
    name: "schulz_polynomial",
    source,
    parts: PARTS,
    buffers: ["gram", "polynomial"],
    dims: ["count4", "stride4", "firstRow", "a", "b"],
  }),

  /** A read and a write an element. */
  cost({ d }: { d: number }): Cost {
    return { flops: 2 * d * d, bytes: 8 * d * d };
  },

  /** One dispatch a buffer. */
  record(gpu: Gpu, { gram, polynomial, a, b }: SchulzPolynomialArgs): Dispatch[] {
    const stride4 = gram.stride / 4;
    return gram.shards.map(({ buffer, firstRow, rows }, s) =>
      schulzPolynomial.kernel.dispatch(gpu, {
        dims: { count4: rows * stride4, stride4, firstRow, a, b },
        buffers: { gram: buffer, polynomial: polynomial.shards[s].buffer },
        groups: gridFor(rows * stride4, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
