/**
 * Decode of a code's derivatives by eight groups of latents.
 * @module
 */
import { decodeGroups } from "../../lib/kernels/decode_groups.ts";
import type { KernelBench } from "../types.ts";

const GROUPS = 8;

/** The bench. */
export const bench: KernelBench = {
  stem: "decode_groups",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, d, latents, k } = shape;
      const code = stage.code(shape);
      const out = stage.room(GROUPS * rows * d);
      return {
        shape: `${rows} x ${k} of ${latents} in ${GROUPS} groups, d ${d}`,
        cost: decodeGroups.cost({ rows, k, d, n: GROUPS }),
        footprint: 4 * (code.distinct * d + 3 * rows * k + GROUPS * rows * d),
        commands: decodeGroups.record(stage.gpu, {
          code: code.byRow,
          w: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
          size: latents / GROUPS,
          firstGroup: 0,
          groups: GROUPS,
          out,
          blockRows: rows,
        }),
        output: out,
      };
    }),
};
