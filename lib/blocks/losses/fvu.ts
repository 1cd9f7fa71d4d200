/**
 * The reconstruction loss `fvu = Σ‖y - ŷ‖² / Σ‖y - ȳ‖²`, ȳ the batch's own mean, the denominator treated as data.
 * Source: architectures spec, section 0.3.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard } from "../../gpu/rows.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { lossScalars } from "../../kernels/loss_scalars.ts";
import { residualRows, STATS } from "../../kernels/residual_rows.ts";
import type { Workspace } from "../types.ts";

/** A loss on the reconstruction. */
export interface ReconstructionLoss {
  /** Residual, sums and factors, from target and reconstruction. */
  forward(): Command[];
}

/** Makes the loss. `deadCount` is passed on: word 0 counts the dead latents. */
export function fvuLoss(gpu: Gpu, space: Workspace, deadCount: GPUBuffer): ReconstructionLoss {
  const { rows, cols, stride } = space.recon;
  return {
    forward: () => [
      ...columnSums.record(gpu, { shards: space.target.shards, stride, sums: space.targetSum }),
      residualRows.record(gpu, {
        rows,
        d: cols,
        target: onlyShard(space.target),
        recon: onlyShard(space.recon),
        meanSum: space.targetSum,
        meanFactor: 1 / rows,
        residual: onlyShard(space.residual),
        stats: space.stats,
      }),
      ...columnSums.record(gpu, {
        shards: [{ buffer: space.stats, rows, firstRow: 0 }],
        stride: STATS,
        sums: space.statSums,
      }),
      lossScalars.record(gpu, {
        of: "main",
        alpha: 0,
        sums: space.statSums,
        deadCount,
        deadPlace: 0,
        scalars: space.scalars,
      }),
    ],
  };
}
