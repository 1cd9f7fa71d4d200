/**
 * Muon's momentum on a whole encoder matrix.
 * @module
 */
import { muonMomentum } from "../../lib/kernels/muon_momentum.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "muon_momentum",
  cases: (stage) =>
    stage.shapes.map(({ latents, d }) => {
      const count = latents * d;
      const u = stage.room(count);
      return {
        shape: `${latents} x ${d}`,
        cost: muonMomentum.cost({ count }),
        commands: [muonMomentum.record(stage.gpu, {
          count,
          beta: 0.95,
          scalars: stage.scalars,
          grad: stage.sheet(latents, d, 1),
          momentum: stage.room(count),
          u,
        })],
        output: u,
      };
    }),
};
