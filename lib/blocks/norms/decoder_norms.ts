/**
 * Lengths of the rows of one decoder matrix, and how a derivative by them reaches the rows:
 * `∂L/∂w = ∂L/∂n · w / n`. Source: architectures spec, section 1.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import { addRows } from "../../kernels/add_rows.ts";
import { rowNorms } from "../../kernels/row_norms.ts";
import type { DecoderNorms, Parameter } from "../types.ts";

/** Makes the norms of `wDec` [latents, dOut]. Rows that are kept at unit length get no gradient. */
export function decoderNorms(
  gpu: Gpu,
  { value, grad, unitRows }: Pick<Parameter, "value" | "grad" | "unitRows">,
): DecoderNorms {
  const values = createBuffer(gpu, value.rows * 4, "decoder norms");
  return {
    values,
    refresh: () => rowNorms.record(gpu, value, values),
    addRows: (weights, step, place) =>
      unitRows ? [] : addRows.record(gpu, { grad, rows: value, weights, step, place }),
  };
}
