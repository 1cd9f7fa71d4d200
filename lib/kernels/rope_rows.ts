/**
 * Rotary positions of queries and keys, and the way back.
 * @module
 */
import source from "../../shaders/rope_rows.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** Scaling of frequencies by parts, as in Llama 3.1: long waves are slowed down, short ones left alone. */
export interface NtkByParts {
  /** How much long waves are slowed down. */
  factor: number;
  /** Waves longer than the old context over this are long. */
  lowFreqFactor: number;
  /** Waves shorter than the old context over this are short. */
  highFreqFactor: number;
  /** Context before the scaling. */
  oldContext: number;
}

/** How positions turn the numbers of a head. */
export interface Rotary {
  /** Numbers of a head that are turned, even. */
  dim: number;
  /** Base of the wave lengths. */
  base: number;
  /** Pairs are neighbours (GPT-J), not halves (GPT-NeoX, Llama). */
  adjacentPairs: boolean;
  /** How often every number of a head is repeated before. */
  copies: number;
  /** Scaling by parts. */
  ntk?: NtkByParts;
}

/** What to turn. */
export interface RopeArgs {
  /** Rows of the batch, whole sequences. */
  rows: number;
  /** Rows of a sequence. */
  length: number;
  /** Heads of a row, one beside the other. */
  heads: number;
  /** Numbers of a head before they are repeated. */
  width: number;
  /** How they are turned. */
  rotary: Rotary;
  /** vec2f [positions, dim / 2]: cosines and sines, see {@link createTurns}. */
  turns: GPUBuffer;
  /** f32 [rows, stride], or [rows, wideStride] with `inverse`. */
  x: GPUBuffer;
  /** f32 [rows, wideStride], or [rows, stride] with `inverse`; not `x`. */
  out: GPUBuffer;
  /** Floats of a row before repeating, a multiple of 4. */
  stride: number;
  /** Floats of a row after it, a multiple of 4. */
  wideStride: number;
  /** Go from derivatives by the output to derivatives by the input. */
  inverse?: boolean;
}

/**
 * Angles of one position: the inverse wave lengths of all pairs, in radians a position.
 * Source: architectures spec, section 11.2; NTK by parts after Peng et al. 2023, section 3.2.
 */
export function frequencies({ dim, base, ntk }: Rotary): Float64Array {
  return Float64Array.from({ length: dim / 2 }, (_, i) => {
    const plain = base ** (-i / (dim / 2));
    if (!ntk) return plain;
    const { factor, lowFreqFactor, highFreqFactor, oldContext } = ntk;
    const wave = 2 * Math.PI / plain;
    if (wave > oldContext / lowFreqFactor) return plain / factor;
    if (wave < oldContext / highFreqFactor) return plain;
    const smooth = (oldContext / wave - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return (1 - smooth) * plain / factor + smooth * plain;
  });
}

/** Makes the table of cosines and sines of the positions of a sequence. */
export function createTurns(gpu: Gpu, rotary: Rotary, length: number): GPUBuffer {
  const each = frequencies(rotary);
  const table = new Float32Array(length * each.length * 2);
  for (let position = 0; position < length; position++) {
    each.forEach((f, i) => {
      const at = (position * each.length + i) * 2;
      table[at] = Math.cos(position * f);
      table[at + 1] = Math.sin(position * f);
    });
  }
  const buffer = createBuffer(gpu, table.byteLength, "rotary turns");
  gpu.device.queue.writeBuffer(buffer, 0, table);
  return buffer;
}

/** Rotary positions. */
export const ropeRows = {
  kernel: defineKernel({
    name: "rope_rows",
    source,
    parts: PARTS,
    buffers: ["x", "turns", "out"],
    dims: ["rows", "length", "heads", "width", "copies", "rotary", "wideStride", "stride"],
  }),

  /** A multiplication and a multiply-add a number, all of them in and out. */
  cost({ rows, width }: { rows: number; width: number }): Cost {
    return { flops: 3 * rows * width, bytes: 4 * 2 * rows * width };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: RopeArgs): Dispatch {
    const { rows, length, heads, width, rotary, stride, wideStride, inverse } = args;
    // Fours of a head are turned by fours of pairs.
    const unit = rotary.adjacentPairs ? 4 : 8;
    const vec = rotary.copies === 1 && width % 4 === 0 && rotary.dim % unit === 0;
    const each = (inverse ? width : width * rotary.copies) / (vec ? 4 : 1);
    return ropeRows.kernel.dispatch(gpu, {
      label: inverse ? "inverse" : "forward",
      defines: {
        ADJACENT: rotary.adjacentPairs ? 1 : 0,
        INVERSE: inverse ? 1 : 0,
        VEC: vec ? 1 : 0,
      },
      dims: {
        rows,
        length,
        heads,
        width,
        copies: rotary.copies,
        rotary: rotary.dim,
        wideStride,
        stride,
      },
      buffers: { x: args.x, turns: args.turns, out: args.out },
      groups: gridFor(rows * heads * each, THREADS, gpu.facts.maxGroups),
    });
  },
};
