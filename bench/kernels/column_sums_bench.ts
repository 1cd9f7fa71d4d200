/**
 * Column sums of a batch, and of the encoder weighted by latent.
 * @module
 */
import { columnSums } from "../../lib/kernels/column_sums.ts";
import type { BenchCase, KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "column_sums",
  cases: (stage) =>
    stage.shapes.flatMap(({ rows: batch, d, latents }) =>
      [batch, latents].map((rows): BenchCase => {
        const m = stage.matrix(rows, d, 1);
        const sums = stage.room(d);
        const weighted = rows === latents;
        return {
          shape: `${rows} x ${d}${weighted ? " weighted" : ""}`,
          cost: columnSums.cost({ rows, d }),
          commands: columnSums.record(stage.gpu, {
            shards: m.shards,
            stride: m.stride,
            weights: weighted ? stage.vector(rows, 2) : undefined,
            sums,
          }),
          output: sums,
        };
      })
    ),
};
