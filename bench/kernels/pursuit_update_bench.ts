/**
 * An iteration of a pursuit on residuals, with and without the rules that stop rows.
 * @module
 */
import { pursuitUpdate } from "../../lib/kernels/pursuit_update.ts";
import { benchPicks } from "../picks.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "pursuit_update",
  cases: (stage) =>
    stage.shapes.flatMap((shape) =>
      [false, true].map((stops) => {
        const { rows, d, latents, k } = shape;
        const picks = benchPicks(stage, shape);
        const best = new Float32Array(rows * 2).fill(1e-3);
        // Other latents than the last pick, spread over the dictionary.
        const numbers = new Uint32Array(best.buffer);
        for (let r = 0; r < rows; r++) numbers[2 * r + 1] = (r * 7919) % latents;
        stage.gpu.device.queue.writeBuffer(picks.best, 0, best);
        const residual = stage.room(rows * d);
        return {
          shape: `${rows} x ${d}, pick ${k} of ${latents}`,
          variant: stops ? "with rules" : undefined,
          cost: pursuitUpdate.cost({ rows, d }),
          commands: [
            { kind: "clear" as const, buffer: picks.done },
            ...pursuitUpdate.record(stage.gpu, {
              picks,
              w: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
              residual,
              firstRow: 0,
              rows,
              t: k - 1,
              relu: true,
              threshold: stops ? 1e-9 : 0,
              stopOnDuplicates: stops,
              running: stage.room(k),
            }),
          ],
          output: residual,
        };
      })
    ),
};
