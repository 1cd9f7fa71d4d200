/**
 * From running lists to a code sorted by latent.
 * @module
 */
import { createCodeByRow } from "../../lib/kernels/code.ts";
import { topkFinish } from "../../lib/kernels/topk_finish.ts";
import { createRunningBest } from "../../lib/kernels/topk_merge.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "topk_finish",
  cases: (stage) => {
    const [{ rows, k, latents }] = stage.shapes;
    return (stage.full ? [k, 64] : [k]).map((size) => {
      const best = createRunningBest(stage.gpu, rows, size);
      const code = createCodeByRow(stage.gpu, rows, size);
      const queue = stage.gpu.device.queue;
      queue.writeBuffer(best.score, 0, draw(rows * best.capacity, 5).map((v) => Math.abs(v) + 0.1));
      // The step has no factor in common with the number of latents, so a row's latents differ.
      const scattered = Uint32Array.from(
        { length: rows * best.capacity },
        (_, i) => (i * 1237) % latents,
      );
      queue.writeBuffer(best.latent, 0, scattered);
      return {
        shape: `${rows} x ${size}`,
        cost: topkFinish.cost({ rows, k: size }),
        commands: [topkFinish.record(stage.gpu, {
          best,
          code,
          scratch: stage.room(rows * code.capacity * 2),
        })],
        output: code.entries,
        type: "u32",
        check: (_, words) => {
          for (let i = 1; i < size; i++) {
            if (words[2 * i] < words[2 * i - 2]) return `entry ${i} of row 0 is out of order`;
          }
        },
      };
    });
  },
};
