/**
 * The decoder of nested prefixes (Matryoshka): the code is encoded once, every prefix of the latents reconstructs from
 * its part, and `L = Σ_g w_g · L_rec(ŷ_g)`. One walk over the entries decodes all prefixes and leaves what the gradients
 * need, the weighted sums of the residuals from each prefix on. Source: architectures spec, section 6.
 *
 * The model's own site is nested; further sites of its coder have a loss on all latents only.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { createRows, onlyShard, ROW_UNIT, type Rows } from "../../gpu/rows.ts";
import { centerRows } from "../../kernels/center_rows.ts";
import { codeGradient } from "../../kernels/code_gradient.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { prefixWord, siteWord } from "../../kernels/common.ts";
import { decodePrefixes } from "../../kernels/decode_prefixes.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import { prefixScalars } from "../../kernels/prefix_scalars.ts";
import { createPrefixTable, writePrefixTable } from "../../kernels/prefix_table.ts";
import { roundUp } from "../../tensor/shards.ts";
import { reconstructionLoss } from "../losses/reconstruction.ts";
import { type Decoder, type RingField, type Site, vectorOf, type Workspace } from "../types.ts";
import { checkPrefixes, prefixesAt, type PrefixOptions } from "./prefix_plan.ts";
import { biasGradients, loadedDecoder, rowsDecoder, type RowsDecoderOptions } from "./rows.ts";

/** What the decoder works with. */
export interface PrefixesDecoderOptions extends RowsDecoderOptions {
  /** The prefixes. */
  prefixes: PrefixOptions;
  /** Whether `space.centred` is the target less the decoder bias. */
  centredTarget?: boolean;
}

/** Makes the decoder. */
export function prefixesDecoder(
  gpu: Gpu,
  space: Workspace,
  options: PrefixesDecoderOptions,
): Decoder {
  const { wDec, bDec, loss, prefixes } = options;
  checkPrefixes(prefixes, wDec.value.rows);
  const { rows, target } = space;
  const { table: rowsOfW = loadedDecoder(gpu, wDec) } = options;
  const plain = rowsDecoder(gpu, space, { ...options, table: rowsOfW });
  const table = createPrefixTable(gpu, prefixesAt(prefixes, 0));
  const shape = { rows, d: target.cols, prefixes: table.prefixes };
  const squareShape = decodePrefixes.squareShape(shape, gpu.facts);
  const squares = createBuffer(gpu, squareShape.rows * squareShape.stride * 4, "prefix squares");
  const squareSums = createBuffer(gpu, squareShape.stride * 4, "prefix square sums");
  const suffixRows = roundUp(table.prefixes * rows, ROW_UNIT);
  const suffix = createBuffer(gpu, suffixRows * target.stride * 4, "prefix residuals");
  // The sums from the first prefix on: what all prefixes share has them for its residual.
  const shared: Rows = {
    ...target,
    label: "shared residual",
    shards: [{ buffer: suffix, firstRow: 0, rows }],
  };
  const start = startOf(gpu, space, options);
  const common = { scalars: space.scalars, table };

  const reconstruct = (site: Site): Command[] => [
    ...start.commands,
    ...rowsOfW.load(site),
    ...decodePrefixes.record(gpu, {
      code: site.code,
      w: wDec.value,
      loaded: rowsOfW.loaded(),
      start: onlyShard(start.rows),
      table,
      suffix,
      residual: onlyShard(site.residual),
      squares,
    }),
    ...columnSums.record(gpu, {
      shards: [{ buffer: squares, rows: squareShape.rows, firstRow: 0 }],
      stride: squareShape.stride,
      sums: squareSums,
    }),
    ...reconstructionLoss(gpu, space, site, loss, true),
    prefixScalars.record(gpu, {
      site: site.index,
      kind: loss.kind,
      weight: site.weight,
      factor: loss.factor,
      squares: squareSums,
      ...common,
    }),
  ];
  const sharedResidual = (site: Site) => site.index === 0 ? shared : site.residual;
  return {
    ...plain,
    prefixes: prefixes.widths,
    metrics: prefixMetrics(prefixes),
    reconstruct: (site) => site.index === 0 ? reconstruct(site) : plain.reconstruct(site),
    codeGradient: (site) =>
      site.index > 0 ? plain.codeGradient(site) : codeGradient.record(gpu, {
        code: site.code,
        w: wDec.value,
        loaded: rowsOfW.loaded(),
        residual: suffix,
        scaleWord: siteWord(site.index, "scale"),
        ...common,
      }),
    gradient: (site, add) =>
      site.index > 0 ? plain.gradient(site, add) : gradLatents.record(gpu, {
        code: site.byLatent,
        weight: "value",
        rows: suffix,
        rowsOfPrefix: rows,
        grad: wDec.grad,
        scaleWord: siteWord(site.index, "scale"),
        add,
        ...common,
      }),
    biasGradient: (sites, inputGradient) =>
      bDec ? biasGradients(gpu, space, bDec, sites, inputGradient, sharedResidual) : [],
    sharedResidual,
    beforeStep: prefixes.drawn &&
      ((step) => writePrefixTable(gpu, table, prefixesAt(prefixes, step))),
  };
}

/** The target less all that every prefix has: where the walk starts. */
function startOf(
  gpu: Gpu,
  { centred, target, rows }: Workspace,
  { bDec, addTo, centredTarget }: PrefixesDecoderOptions,
): { rows: Rows; commands: Command[] } {
  if (!addTo && (centredTarget || !bDec)) {
    return { rows: centredTarget ? centred : target, commands: [] };
  }
  const start = createRows(gpu, "prefix start", rows, target.cols);
  const zero = bDec ? vectorOf(bDec) : createBuffer(gpu, target.stride * 4, "no bias");
  return {
    rows: start,
    commands: [
      centerRows.record(gpu, {
        rows,
        d: target.cols,
        x: onlyShard(target),
        bias: zero,
        centred: onlyShard(start),
      }),
      ...addTo?.(start, -1) ?? [],
    ],
  };
}

/** What is logged of the prefixes; that of all latents is `recon/fvu`. Drawn ones are numbered, shortest first. */
function prefixMetrics({ widths, biasLevel, drawn }: PrefixOptions): RingField[] {
  const names = widths.slice(0, -1).map((width, g) => drawn ? `drawn_${g + 1}` : `prefix_${width}`);
  return (biasLevel ? ["prefix_0", ...names] : names)
    .map((name, g) => ({ name: `recon/fvu_${name}`, word: prefixWord(g) }));
}
