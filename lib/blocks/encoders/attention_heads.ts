/**
 * Queries or keys of all heads: projection, optional RMS norm, optional rotary positions, and the way back.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard, ROW_UNIT, type Rows } from "../../gpu/rows.ts";
import type { HeadRows } from "../../kernels/attention_product.ts";
import { addRows } from "../../kernels/add_rows.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { SCALARS } from "../../kernels/common.ts";
import { encodeGemm } from "../../kernels/encode_gemm.ts";
import { matmul } from "../../kernels/matmul.ts";
import { rmsRows } from "../../kernels/rms_rows.ts";
import { ropeRows, type Rotary } from "../../kernels/rope_rows.ts";
import { roundUp } from "../../tensor/shards.ts";
import { gradOf, type Parameter, vectorOf, type Workspace } from "../types.ts";

/** Sizes and positions that queries and keys share. */
export interface HeadShape {
  /** Heads. */
  heads: number;
  /** Numbers of a head, a multiple of 4. */
  width: number;
  /** Rows of a sequence. */
  length: number;
  /** Added to the mean of squares in the norm. */
  eps: number;
  /** Rotary positions, where there are any. */
  rotary?: Rotary;
  /** Their table, see `createTurns`. */
  turns?: GPUBuffer;
}

/** Buffers that queries and keys use one after the other. */
export interface HeadScratch {
  /** f32 [rows, heads · width]: values before rotation, or derivatives by them. */
  readonly turned: Rows;
  /** The same: summands of the derivative of the norm's gain. */
  readonly parts: Rows;
  /** Sums of columns. */
  readonly sums: GPUBuffer;
}

/** Makes the scratch. */
export function headScratch(gpu: Gpu, rows: number, shape: HeadShape, norm: boolean): HeadScratch {
  const turned = headRows(gpu, "heads before rotation", rows, shape.heads * shape.width);
  return {
    turned,
    parts: norm ? headRows(gpu, "gain gradients", rows, shape.heads * shape.width) : turned,
    sums: createBuffer(gpu, turned.stride * 4, "head sums"),
  };
}

/** A matrix of the batch whose rows are as long as panels of `encode_gemm`. */
function headRows(gpu: Gpu, label: string, rows: number, cols: number): Rows {
  const stride = roundUp(cols, ROW_UNIT);
  const buffer = createBuffer(gpu, roundUp(rows, ROW_UNIT) * stride * 4, label);
  return { label, rows, cols, stride, shards: [{ firstRow: 0, rows, buffer }] };
}

/** Parameters of queries or of keys. */
export interface HeadParameters {
  /** [heads · width, dIn]. */
  w: Parameter;
  /** Vector [heads · width]. */
  b: Parameter;
  /** Gain of the norm, a vector [heads · width]; no norm when absent. */
  gain?: Parameter;
}

/** Queries or keys on the device. */
export interface HeadSide {
  /** The finished queries or keys. */
  readonly out: HeadRows;
  /** Derivatives by them, filled by attention's backward pass. */
  readonly grad: HeadRows;
  /** Numbers of a finished head. */
  readonly width: number;
  /** From `space.centred` to `out`. */
  forward(): Command[];
  /** From `grad` to the gradients of the parameters. */
  backward(add: boolean): Command[];
}

/** Makes queries or keys. */
export function headSide(
  gpu: Gpu,
  space: Workspace,
  { w, b, gain }: HeadParameters,
  shape: HeadShape,
  scratch: HeadScratch,
): HeadSide {
  const { heads, width, length, eps, rotary, turns } = shape;
  const { rows } = space;
  const { turned, parts, sums } = scratch;
  const cols = heads * width;
  const wide = width * (rotary?.copies ?? 1);
  const out = headRows(gpu, `heads of ${w.name}`, rows, heads * wide);
  const grad = headRows(gpu, `gradient of heads of ${w.name}`, rows, heads * wide);
  const beforeRotation = rotary ? turned : out;
  const raw = gain ? headRows(gpu, `${w.name} x`, rows, cols) : beforeRotation;

  const rope = (from: Rows, to: Rows, inverse: boolean): Command[] =>
    rotary && turns
      ? [ropeRows.record(gpu, {
        rows,
        length,
        heads,
        width,
        rotary,
        turns,
        x: onlyShard(from),
        out: onlyShard(to),
        stride: turned.stride,
        wideStride: out.stride,
        inverse,
      })]
      : [];
  const rms = (y: Rows, backward: boolean): Command[] =>
    gain
      ? [rmsRows.record(gpu, {
        rows,
        heads,
        width,
        stride: raw.stride,
        eps,
        x: onlyShard(raw),
        w: vectorOf(gain),
        y: onlyShard(y),
        parts: onlyShard(parts),
        backward,
      })]
      : [];
  const sumTo = (parameter: Parameter, from: Rows, add: boolean): Command[] => [
    ...columnSums.record(gpu, {
      shards: from.shards,
      stride: from.stride,
      sums: add ? sums : gradOf(parameter),
    }),
    ...add
      ? addRows.record(gpu, {
        grad: parameter.grad,
        rows: sums,
        weights: space.scalars,
        place: SCALARS.one,
      })
      : [],
  ];

  return {
    out: { buffer: onlyShard(out), stride: out.stride, head: wide },
    grad: { buffer: onlyShard(grad), stride: grad.stride, head: wide },
    width: wide,
    forward: () => [
      ...w.value.shards.flatMap((shard) =>
        encodeGemm.record(gpu, {
          rows,
          latents: shard.rows,
          d: w.value.cols,
          x: onlyShard(space.centred),
          w: shard.buffer,
          firstLatent: 0,
          bias: vectorOf(b),
          firstBias: shard.firstRow,
          // Shards begin at multiples of 64 rows, bindings at multiples of 64 floats.
          scores: { buffer: onlyShard(raw), offset: shard.firstRow * 4 },
          panel: raw.stride,
        })
      ),
      ...rms(beforeRotation, false),
      ...rope(turned, out, false),
    ],
    backward: (add) => {
      const own = rotary ? turned : grad;
      return [
        ...rope(grad, turned, true),
        ...rms(own, true),
        ...gain ? sumTo(gain, parts, add) : [],
        ...sumTo(b, own, add),
        ...matmul.record(gpu, {
          label: `gradient of ${w.name}`,
          a: own,
          b: space.centred,
          c: w.grad,
          transA: true,
          beta: add ? 1 : 0,
        }),
      ];
    },
  };
}
