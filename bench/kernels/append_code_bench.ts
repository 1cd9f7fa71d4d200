/**
 * Joining the codes of two layers.
 * @module
 */
import { appendCode } from "../../lib/kernels/append_code.ts";
import { createCodeByRow } from "../../lib/kernels/code.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "append_code",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const { byRow } = stage.code(shape);
      const joined = createCodeByRow(stage.gpu, rows, 2 * byRow.capacity);
      return {
        shape: `2 x ${rows} x ${k}`,
        cost: appendCode.cost({ rows, k: 2 * k }),
        commands: appendCode.record(stage.gpu, [byRow, byRow], latents, joined),
        output: joined.spans,
        type: "u32",
        check: (_, words) =>
          words[1] - words[0] === 2 * k ? undefined : `row 0 has ${words[1] - words[0]} entries`,
      };
    }),
};
