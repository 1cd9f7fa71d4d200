/**
 * The decoder: `ŷ = f W_dec + b_dec` from a sparse code, with its gradients by latent.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard, type Rows } from "../../gpu/rows.ts";
import { biasGradient } from "../../kernels/bias_gradient.ts";
import { codeGradient } from "../../kernels/code_gradient.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { siteWord } from "../../kernels/common.ts";
import { countEntries } from "../../kernels/count_entries.ts";
import { decodeRows } from "../../kernels/decode_rows.ts";
import { entriesOf, type GatherRows, loadGathered } from "../../kernels/gathers.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import { markEntries } from "../../kernels/mark_entries.ts";
import { placeEntries } from "../../kernels/place_entries.ts";
import { scanCounts } from "../../kernels/scan_counts.ts";
import { type LossOptions, reconstructionLoss } from "../losses/reconstruction.ts";
import {
  type Decoder,
  gradOf,
  type Parameter,
  type Site,
  vectorOf,
  type Workspace,
} from "../types.ts";

/** Adds to a reconstruction what comes beside the code, such as a skip connection, times `factor`; 1 when absent. */
export type AddToReconstruction = (recon: Rows, factor?: number) => Command[];

/** What the decoder works with. */
export interface RowsDecoderOptions {
  /** [dSae, dOut]. */
  wDec: Parameter;
  /** Vector [dOut]; none in models without decoder bias. */
  bDec?: Parameter;
  /** The loss of every site. */
  loss: LossOptions;
  /** Comes after the decode. */
  addTo?: AddToReconstruction;
  /** Its rows for gathering, where other decoders of the same rows use them too. */
  table?: LoadedDecoder;
}

/** The counts of a site's code by latent, and their sums. */
export function countSite(
  gpu: Gpu,
  { code, byLatent }: Pick<Site, "code" | "byLatent">,
): Command[] {
  return [
    ...markEntries.record(gpu, code, byLatent),
    countEntries.record(gpu, byLatent),
    ...scanCounts.record(gpu, { n: byLatent.latents, ...byLatent }),
  ];
}

/** Decoder rows that the decode of a site and its code gradient both gather from. */
export interface LoadedDecoder {
  /** Brings them to where they are read, for what follows up to the next change of them. */
  load(site: Pick<Site, "code">): Command[];
  /** Their buffers, once they were loaded. */
  loaded(): GatherRows["rows"] | undefined;
}

/** Makes room for the rows of a decoder when their first load shows how often they are read. */
export function loadedDecoder(gpu: Gpu, { value }: Parameter): LoadedDecoder {
  let table: GatherRows | undefined;
  return {
    load({ code }) {
      table ??= loadGathered(gpu, value, 2 * entriesOf(code));
      return table.commands;
    },
    loaded: () => table?.rows,
  };
}

/** Makes the decoder. */
export function rowsDecoder(
  gpu: Gpu,
  space: Workspace,
  { wDec, bDec, loss, addTo, table = loadedDecoder(gpu, wDec) }: RowsDecoderOptions,
): Decoder {
  return {
    prefixes: [wDec.value.rows],
    parameters: bDec ? [wDec, bDec] : [wDec],
    metrics: [],
    loaded: table.loaded,
    reconstruct: (site) => [
      ...table.load(site),
      ...decodeRows.record(gpu, {
        code: site.code,
        w: wDec.value,
        loaded: table.loaded(),
        whole: true,
        bias: bDec && vectorOf(bDec),
        recon: onlyShard(site.recon),
      }),
      ...addTo?.(site.recon) ?? [],
      ...reconstructionLoss(gpu, space, site, loss),
    ],
    count: (site) => countSite(gpu, site),
    codeGradient: ({ index, code, residual }) =>
      codeGradient.record(gpu, {
        code,
        w: wDec.value,
        loaded: table.loaded(),
        residual: onlyShard(residual),
        scalars: space.scalars,
        scaleWord: siteWord(index, "scale"),
      }),
    place: ({ code, byLatent }) => [placeEntries.record(gpu, code, byLatent)],
    gradient: ({ index, byLatent, residual }, add) =>
      gradLatents.record(gpu, {
        code: byLatent,
        weight: "value",
        rows: onlyShard(residual),
        grad: wDec.grad,
        scalars: space.scalars,
        scaleWord: siteWord(index, "scale"),
        add,
      }),
    biasGradient: (sites, inputGradient) =>
      bDec ? biasGradients(gpu, space, bDec, sites, inputGradient) : [],
  };
}

/**
 * The gradient of a decoder bias, from all sites that train it.
 * @param inputGradient Σ of the derivatives by the input, where the bias is taken from the input too
 * @param sharedOf what stands for the residual of a site in sums over all that it adds up; the residual when absent
 */
export function biasGradients(
  gpu: Gpu,
  space: Workspace,
  bDec: Parameter,
  sites: readonly Site[],
  inputGradient?: GPUBuffer,
  sharedOf: (site: Site) => Rows = ({ residual }) => residual,
): Command[] {
  return sites.filter((s) => s.trainsDecoder).flatMap((site, i) => {
    const { stride, cols, shards } = sharedOf(site);
    const residualSum = createBuffer(gpu, stride * 4, "residual sum");
    return [
      ...columnSums.record(gpu, { shards, stride, sums: residualSum }),
      biasGradient.record(gpu, {
        d: cols,
        residualSum,
        inputGradient: i === 0 ? inputGradient : undefined,
        scalars: space.scalars,
        scaleWord: siteWord(site.index, "scale"),
        grad: gradOf(bDec),
        add: i > 0,
      }),
    ];
  });
}
