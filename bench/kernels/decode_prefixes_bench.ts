/**
 * Five nested prefixes against a plain decode: residuals, derivatives by the entries and the gradient of W_dec of either.
 * @module
 */
import type { Cost } from "../../lib/gpu/kernel.ts";
import { codeGradient } from "../../lib/kernels/code_gradient.ts";
import { columnSums } from "../../lib/kernels/column_sums.ts";
import { SCALARS } from "../../lib/kernels/common.ts";
import { decodePrefixes } from "../../lib/kernels/decode_prefixes.ts";
import { decodeRows } from "../../lib/kernels/decode_rows.ts";
import { gradLatents } from "../../lib/kernels/grad_latents.ts";
import { createPrefixTable } from "../../lib/kernels/prefix_table.ts";
import { residualRows, STATS } from "../../lib/kernels/residual_rows.ts";
import type { Stage } from "../stage.ts";
import type { BenchCase, KernelBench, TrainShape } from "../types.ts";

const PREFIXES = 5;

const add = (...costs: Cost[]): Cost => ({
  flops: costs.reduce((sum, c) => sum + c.flops, 0),
  bytes: costs.reduce((sum, c) => sum + c.bytes, 0),
});

/** Bounds that double: F/16, F/8, F/4, F/2, F. */
function doubling(stage: Stage, latents: number) {
  return createPrefixTable(
    stage.gpu,
    Array.from({ length: PREFIXES }, (_, g) => ({
      bound: latents / 2 ** (PREFIXES - 1 - g),
      weight: 1 / PREFIXES,
    })),
  );
}

function decodeCases(stage: Stage, shape: TrainShape): BenchCase[] {
  const { gpu } = stage;
  const { rows, d, latents, k } = shape;
  const w = stage.matrix(latents, d, 3, 1 / Math.sqrt(d));
  const code = stage.code(shape);
  const sizes = `${rows} x ${k} of ${latents}, d ${d}`;
  const table = doubling(stage, latents);
  const squares = decodePrefixes.squareShape({ rows, d, prefixes: PREFIXES }, gpu.facts);
  const byRow = { ...code.byRow, dz: stage.room(rows * k) };
  const whole = {
    recon: stage.room(rows * d),
    residual: stage.room(rows * d),
    stats: stage.room(rows * STATS),
  };
  const nested = {
    suffix: stage.room(PREFIXES * rows * d),
    residual: stage.room(rows * d),
    squares: stage.room(squares.rows * squares.stride),
    sums: stage.room(squares.stride),
  };
  const common = { scalars: stage.scalars, scaleWord: SCALARS.one };
  const backward = (residual: GPUBuffer, of?: typeof table) => [
    ...codeGradient.record(gpu, { code: byRow, w, residual, table: of, ...common }),
    ...gradLatents.record(gpu, {
      code: code.byLatent,
      weight: "value",
      rows: residual,
      table: of,
      rowsOfPrefix: rows,
      grad: stage.matrix(latents, d, 21),
      ...common,
    }),
  ];
  const decode = {
    plain: [
      ...decodeRows.record(gpu, { code: byRow, w, bias: stage.vector(d, 4), recon: whole.recon }),
      residualRows.record(gpu, {
        rows,
        d,
        target: stage.sheet(rows, d, 1),
        meanSum: stage.vector(d, 4),
        meanFactor: 1 / rows,
        ...whole,
      }),
    ],
    nested: [
      ...decodePrefixes.record(gpu, {
        code: byRow,
        w,
        start: stage.sheet(rows, d, 1),
        table,
        ...nested,
      }),
      ...columnSums.record(gpu, {
        shards: [{ buffer: nested.squares, rows: squares.rows, firstRow: 0 }],
        stride: squares.stride,
        sums: nested.sums,
      }),
      residualRows.record(gpu, {
        rows,
        d,
        target: stage.sheet(rows, d, 1),
        meanSum: stage.vector(d, 4),
        meanFactor: 1 / rows,
        residual: nested.residual,
        stats: whole.stats,
      }),
    ],
  };
  const back = add(codeGradient.cost({ rows, k, d }), gradLatents.cost({ rows, k, d, latents }));
  const plainCost = add(decodeRows.cost({ rows, k, d }), residualRows.cost({ rows, d }));
  const nestedCost = add(
    decodePrefixes.cost({ rows, k, d, prefixes: PREFIXES }),
    residualRows.cost({ rows, d }),
  );
  return [
    { variant: "decode, plain", cost: plainCost, commands: decode.plain, output: whole.residual },
    { variant: "decode, 5", cost: nestedCost, commands: decode.nested, output: nested.suffix },
    {
      variant: "decode and back, plain",
      cost: add(plainCost, back),
      commands: [...decode.plain, ...backward(whole.residual)],
      output: byRow.dz,
    },
    {
      variant: "decode and back, 5",
      cost: add(nestedCost, back),
      commands: [...decode.nested, ...backward(nested.suffix, table)],
      output: byRow.dz,
    },
  ].map((one) => ({ shape: sizes, ...one }));
}

/** The bench. */
export const bench: KernelBench = {
  stem: "decode_prefixes",
  cases: (stage) => stage.gathered.flatMap((shape) => decodeCases(stage, shape)),
};
