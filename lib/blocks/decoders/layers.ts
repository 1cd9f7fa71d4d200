/**
 * The cross-layer decoder: `ŷ^l = b_dec^l + Σ_{i<=l} f^i W_dec^{i→l}` from one code of all layers, whose latents are
 * numbered layer by layer. W_dec_l has a row for every latent of the layers up to l, so that an ordinary decode, which
 * passes over entries without a row, does it. Source: architectures spec, section 10.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard } from "../../gpu/rows.ts";
import { biasGradient } from "../../kernels/bias_gradient.ts";
import { codeGradient } from "../../kernels/code_gradient.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { siteWord } from "../../kernels/common.ts";
import { decodeRows } from "../../kernels/decode_rows.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import { type LossOptions, reconstructionLoss } from "../losses/reconstruction.ts";
import { gradOf, type Parameter, type Site, vectorOf, type Workspace } from "../types.ts";

/** A target layer: its decoder and the place where it is compared. */
export interface TargetLayer {
  /** Buffers of its batch; all layers share `step` and `scalars`. */
  readonly space: Workspace;
  /** [(l + 1) · dSae, dOut]. */
  readonly wDec: Parameter;
  /** Vector [dOut], where there is one. */
  readonly bDec?: Parameter;
  /** Its site: the code is that of all layers. */
  readonly site: Site;
}

/** The decoder of all layers. */
export interface LayersDecoder {
  /** Number of targets. */
  readonly targets: number;
  /** Reconstructions and losses of all layers. */
  reconstruct(): Command[];
  /** `dz` of every entry: what it does to all layers from its own on. */
  codeGradient(site: Pick<Site, "code">): Command[];
  /** Gradients of all decoder rows and biases. */
  gradient(): Command[];
}

/** Makes the decoder; `layers` in order. */
export function layersDecoder(
  gpu: Gpu,
  layers: readonly TargetLayer[],
  loss: LossOptions,
): LayersDecoder {
  // The last target has a row for every latent: its derivatives are written, the others added.
  const fromLast = [...layers].reverse();
  return {
    targets: layers.length,
    reconstruct: () =>
      layers.flatMap(({ space, wDec, bDec, site }) => [
        ...decodeRows.record(gpu, {
          code: site.code,
          w: wDec.value,
          bias: bDec && vectorOf(bDec),
          recon: onlyShard(site.recon),
        }),
        ...targetMean(gpu, space, site),
        ...reconstructionLoss(gpu, space, site, loss),
      ]),
    codeGradient: ({ code }) =>
      fromLast.flatMap(({ space, wDec, site }, i) =>
        codeGradient.record(gpu, {
          code,
          w: wDec.value,
          residual: onlyShard(site.residual),
          scalars: space.scalars,
          scaleWord: siteWord(site.index, "scale"),
          add: i > 0,
        })
      ),
    gradient: () =>
      layers.flatMap((layer) => [...rowsGradient(gpu, layer), ...vectorGradient(gpu, layer)]),
  };
}

/** The sum of a target's rows; site 0 makes its own. */
function targetMean(gpu: Gpu, { target, targetSum }: Workspace, { index }: Site): Command[] {
  if (index === 0) return [];
  return columnSums.record(gpu, {
    shards: target.shards,
    stride: target.stride,
    sums: targetSum,
  });
}

function rowsGradient(gpu: Gpu, { space, wDec, site }: TargetLayer): Command[] {
  return gradLatents.record(gpu, {
    code: site.byLatent,
    weight: "value",
    rows: onlyShard(site.residual),
    grad: wDec.grad,
    scalars: space.scalars,
    scaleWord: siteWord(site.index, "scale"),
  });
}

function vectorGradient(gpu: Gpu, { space, bDec, site }: TargetLayer): Command[] {
  if (!bDec) return [];
  const { stride, cols, shards } = site.residual;
  const residualSum = createBuffer(gpu, stride * 4, "residual sum");
  return [
    ...columnSums.record(gpu, { shards, stride, sums: residualSum }),
    biasGradient.record(gpu, {
      d: cols,
      residualSum,
      scalars: space.scalars,
      scaleWord: siteWord(site.index, "scale"),
      grad: gradOf(bDec),
    }),
  ];
}
