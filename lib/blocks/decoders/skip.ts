/**
 * The skip connection of a transcoder: `ŷ += x W_skipᵀ` with the input as it is, and its gradient `Gᵀ x`.
 * Source: architectures spec, section 9.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import type { Rows } from "../../gpu/rows.ts";
import { siteWord } from "../../kernels/common.ts";
import { matmul } from "../../kernels/matmul.ts";
import { createParameter, type Parameter, type Site, type Workspace } from "../types.ts";
import type { AddToReconstruction } from "./rows.ts";

/** A connection from input to output beside the code. */
export interface SkipConnection {
  /** `W_skip` [dOut, dIn], on which weight decay does not act. */
  readonly parameters: readonly Parameter[];
  /** Adds it to a reconstruction. */
  addTo: AddToReconstruction;
  /**
   * Its gradient, from all sites that train the decoder.
   * @param residualOf the residual of a site that goes with its scale
   */
  backward(sites: readonly Site[], residualOf: (site: Site) => Rows): Command[];
}

/**
 * Makes the connection.
 * @param wSkip [dOut, dIn]; a trained one when absent
 */
export function skipConnection(
  gpu: Gpu,
  { x, target, scalars }: Workspace,
  wSkip: Parameter = createParameter(gpu, "W_skip", target.cols, x.cols, { decays: false }),
): SkipConnection {
  return {
    parameters: [wSkip],
    addTo: (recon, factor = 1) =>
      matmul.record(gpu, {
        label: "skip",
        a: x,
        b: wSkip.value,
        transB: true,
        c: recon,
        alpha: factor,
        beta: 1,
      }),
    backward: (sites, residualOf) =>
      sites.filter((s) => s.trainsDecoder).flatMap((site, i) =>
        matmul.record(gpu, {
          label: "skip gradient",
          a: residualOf(site),
          transA: true,
          b: x,
          c: wSkip.grad,
          beta: i > 0 ? 1 : 0,
          scalars,
          scaleWord: siteWord(site.index, "scale"),
        })
      ),
  };
}
