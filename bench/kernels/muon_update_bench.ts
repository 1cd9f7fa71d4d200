/**
 * Muon's update of a whole encoder matrix.
 * @module
 */
import { muonUpdate } from "../../lib/kernels/muon_update.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "muon_update",
  cases: (stage) =>
    stage.shapes.map(({ latents, d, k }) => {
      const count = latents * d;
      const parameter = stage.room(count);
      return {
        shape: `${latents} x ${d}`,
        cost: muonUpdate.cost({ count }),
        commands: [muonUpdate.record(stage.gpu, {
          count,
          step: stage.step(k),
          direction: stage.sheet(latents, d, 1),
          parameter,
          factor: 0.2 * Math.sqrt(latents),
          decay: 0.1,
        })],
        output: parameter,
      };
    }),
};
