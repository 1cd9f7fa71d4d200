/**
 * Lengths of the decoder rows of a latent in all layers together, `N_j = √Σ_l ‖W_dec_l[j]‖²`. Source: architectures spec,
 * section 10.2.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import { addRows } from "../../kernels/add_rows.ts";
import { rowNorms } from "../../kernels/row_norms.ts";
import type { DecoderNorms, Parameter } from "../types.ts";

/** Makes the norms. `wDec` are the targets' matrices in order, each with rows for the latents of all layers up to its own. */
export function layersNorms(
  gpu: Gpu,
  wDec: readonly Pick<Parameter, "value" | "grad">[],
): DecoderNorms {
  const fromLast = [...wDec].reverse();
  const values = createBuffer(gpu, fromLast[0].value.rows * 4, "decoder norms");
  return {
    values,
    refresh: () => fromLast.flatMap(({ value }, i) => rowNorms.record(gpu, value, values, i > 0)),
    addRows: (weights, step, place) =>
      wDec.flatMap(({ value, grad }) =>
        addRows.record(gpu, { grad, rows: value, weights, step, place })
      ),
  };
}
