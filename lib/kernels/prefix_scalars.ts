/**
 * Loss of nested prefixes and what each of them leaves unexplained, kept on the GPU.
 * @module
 */
import source from "../../shaders/prefix_scalars.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { prefixWord, SITE, siteWord } from "./common.ts";
import type { PrefixTable } from "./prefix_table.ts";

/** What to conclude. */
export interface PrefixScalarsArgs {
  /** Number of the site; `loss_scalars` has written its words. */
  site: number;
  /** `fvu` divides by the target's variance in the batch, `scaled` multiplies with `factor`. */
  kind: "fvu" | "scaled";
  /** Weight of the site's loss. */
  weight: number;
  /** Factor of the sums of squares. */
  factor: number;
  /** f32 [prefixes]: sums of the squared residuals of each. */
  squares: GPUBuffer;
  /** Their weights. */
  table: PrefixTable;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
}

/** The loss of prefixes. */
export const prefixScalars = {
  kernel: defineKernel({
    name: "prefix_scalars",
    source,
    buffers: ["squares", "table", "scalars"],
    dims: ["weight", "factor", "prefixes", "site", "at"],
  }),

  /** A few numbers a prefix. */
  cost({ prefixes }: { prefixes: number }): Cost {
    return { flops: 3 * prefixes, bytes: 16 * prefixes };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: PrefixScalarsArgs): Dispatch {
    return prefixScalars.kernel.dispatch(gpu, {
      label: `site ${args.site}`,
      defines: {
        FVU: args.kind === "fvu" ? 1 : 0,
        SPREAD: SITE.spread,
        LOSS: SITE.loss,
        WEIGHTED: SITE.weighted,
      },
      dims: {
        weight: args.weight,
        factor: args.factor,
        prefixes: args.table.prefixes,
        site: siteWord(args.site, "scale"),
        at: prefixWord(0),
      },
      buffers: { squares: args.squares, table: args.table.buffer, scalars: args.scalars },
      groups: [1, 1, 1],
    });
  },
};
