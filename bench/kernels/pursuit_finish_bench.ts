/**
 * From the picks of a pursuit to a code.
 * @module
 */
import { createCodeByRow } from "../../lib/kernels/code.ts";
import { pursuitFinish } from "../../lib/kernels/pursuit_finish.ts";
import { benchPicks } from "../picks.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "pursuit_finish",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, k, latents } = shape;
      const code = createCodeByRow(stage.gpu, rows, k);
      const wanted = stage.code(shape).latents[0];
      return {
        shape: `${rows} x ${k} of ${latents}`,
        cost: pursuitFinish.cost({ rows, k }),
        commands: [pursuitFinish.record(stage.gpu, {
          picks: benchPicks(stage, shape),
          code,
          scratch: stage.room(rows * code.capacity * 2),
        })],
        output: code.entries,
        type: "u32",
        check: (_, words) => words[0] === wanted ? undefined : `row 0 begins with ${words[0]}`,
      };
    }),
};
