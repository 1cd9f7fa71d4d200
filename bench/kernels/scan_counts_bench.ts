/**
 * Prefix sums over the latents: three dispatches.
 * @module
 */
import { SCAN_CHUNK } from "../../lib/kernels/code.ts";
import { scanCounts } from "../../lib/kernels/scan_counts.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "scan_counts",
  cases: (stage) =>
    stage.shapes.map(({ latents: n }) => {
      const offsets = stage.room(n + 1);
      return {
        shape: `${n}`,
        cost: scanCounts.cost({ n }),
        commands: scanCounts.record(stage.gpu, {
          n,
          counts: stage.words(n, (i) => i % 5),
          chunkStarts: stage.room(Math.ceil(n / SCAN_CHUNK)),
          offsets,
        }),
        output: offsets,
        type: "u32",
        check: (_, words) => {
          let wanted = 0;
          for (let i = 0; i < n; i++) wanted += i % 5;
          return words[n] === wanted ? undefined : `its total is ${words[n]}, not ${wanted}`;
        },
      };
    }),
};
