/**
 * The reconstruction loss of a site. `fvu = Σ‖y - ŷ‖² / Σ‖y - ȳ‖²`, ȳ the batch's own mean and the denominator treated as
 * data; `sum_mean` and `mean` divide the sum of squares by rows or by elements, `fixed_fvu` by a variance that was
 * measured once. Source: architectures spec, section 0.3.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard } from "../../gpu/rows.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { lossScalars } from "../../kernels/loss_scalars.ts";
import { residualRows, STATS } from "../../kernels/residual_rows.ts";
import type { Site, Workspace } from "../types.ts";

/** Names of the losses. */
export type LossName = "fvu" | "sum_mean" | "mean" | "fixed_fvu";

/** A loss, ready for kernels. */
export interface LossOptions {
  /** Divide by the batch's variance, or multiply the sum of squares with `factor`. */
  kind: "fvu" | "scaled";
  /** Factor of the sum of squares. */
  factor: number;
}

/**
 * A loss by its name.
 * @param variance mean square of the centred target, for `fixed_fvu`
 */
export function lossOptions(
  name: LossName,
  shape: { rows: number; dOut: number },
  variance = 1,
): LossOptions {
  const { rows, dOut } = shape;
  if (name === "fvu") return { kind: "fvu", factor: 0 };
  const elements = name === "sum_mean" ? rows : rows * dOut;
  return { kind: "scaled", factor: 1 / (name === "fixed_fvu" ? elements * variance : elements) };
}

/**
 * Residual, sums and loss of a site, from target and reconstruction.
 * @param given whether the decoder has made the residual, and no reconstruction
 */
export function reconstructionLoss(
  gpu: Gpu,
  space: Workspace,
  site: Site,
  loss: LossOptions,
  given = false,
): Command[] {
  const { rows, cols, stride } = space.target;
  const { mask } = space;
  // The sum of the target's rows serves all sites of a step.
  const mean = site.index === 0
    ? columnSums.record(gpu, {
      shards: space.target.shards,
      stride,
      weights: mask,
      sums: space.targetSum,
    })
    : [];
  return [
    ...mean,
    residualRows.record(gpu, {
      rows,
      d: cols,
      target: onlyShard(space.target),
      recon: given ? undefined : onlyShard(site.recon),
      meanSum: space.targetSum,
      meanFactor: 1 / rows,
      residual: onlyShard(site.residual),
      stats: site.stats,
      mask: mask && { rows: mask, step: space.step },
    }),
    ...columnSums.record(gpu, {
      shards: [{ buffer: site.stats, rows, firstRow: 0 }],
      stride: STATS,
      sums: site.statSums,
    }),
    lossScalars.record(gpu, {
      site: site.index,
      kind: loss.kind,
      weight: site.weight,
      factor: loss.factor,
      maskedRows: mask && rows,
      sums: site.statSums,
      scalars: space.scalars,
    }),
  ];
}
