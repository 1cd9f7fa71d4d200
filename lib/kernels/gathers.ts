/**
 * What kernels that gather rows by number have in common: where a device reads texels faster than buffers, their operands
 * are copied there first, if they are read often enough to be worth a copy.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import type { Slice } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import { copyToTexels, createTexels, sharedTexels } from "../gpu/texels.ts";
import type { Texels } from "../gpu/texel_types.ts";
import { pickVariant, type Variant } from "../gpu/tuning.ts";
import type { Operand } from "./operand.ts";

/** A copy costs about as much as reading from texels instead of a buffer saves, a vec4 each: it is to save twice that. */
const WORTH = 2;

/** Something that a kernel gathers from. */
export interface GatherOperand {
  /** Where it is; a copy in texels that is there already costs nothing. */
  from: GPUBuffer | Slice | Operand;
  /** Vec4s of it that are read at most; all when absent. */
  most?: number;
  /** Vec4s that all threads read, about. */
  reads: number;
  /** Whether it holds u32. */
  words?: boolean;
}

/** What a gathering kernel binds. */
export interface GatherPlan<N extends string> {
  /** 1 at `X_TEXELS` where operand `x` is texels. */
  defines: Record<string, 0 | 1>;
  /** The operands by name. */
  buffers: Record<N, GPUBuffer | Slice | Texels>;
  /** Copies that come before the dispatch. */
  copies: Command[];
}

/** The ways to gather, the one that is taken untuned first. */
export function gatherVariants({ software }: Pick<DeviceFacts, "software">): Variant[] {
  return (software ? ["texels", "buffers"] : ["buffers"]).map((name) => ({ name }));
}

/** Whether a copy of `copied` vec4s that are read `reads` times in all is wanted. */
function wanted(facts: DeviceFacts, reads: number, copied: number): boolean {
  const { name } = pickVariant("gathers", gatherVariants(facts), facts);
  return name === "texels" && copied <= facts.maxTexels && reads >= WORTH * copied;
}

/** Vec4s of a range of a buffer. */
function vec4sOf(source: GPUBuffer | Slice): number {
  if (!("buffer" in source)) return Math.floor(source.size / 16);
  const { buffer, offset = 0, size = buffer.size - offset } = source;
  return Math.floor(size / 16);
}

/** Where a dispatch finds its operands. Copies that it wants are for this dispatch alone, which follows them. */
export function planGather<N extends string>(
  gpu: Gpu,
  operands: Record<N, GatherOperand>,
): GatherPlan<N> {
  const defines: GatherPlan<N>["defines"] = {};
  const copies: Command[] = [];
  const buffers = {} as GatherPlan<N>["buffers"];
  (Object.keys(operands) as N[]).forEach((name, i) => {
    const { from, most = Infinity, reads, words } = operands[name];
    const { source, texels }: Operand = "source" in from ? from : { source: from };
    const count = Math.min(most, vec4sOf(source));
    buffers[name] = source;
    if (wanted(gpu.facts, reads, texels ? 0 : count)) {
      const format = words ? "rgba32uint" : "rgba32float";
      buffers[name] = texels ?? sharedTexels(gpu, count, `gathered ${i}`, format);
      if (!texels) copies.push(copyToTexels(source, buffers[name] as Texels, count));
    }
    defines[`${name.toUpperCase()}_TEXELS`] = "view" in buffers[name] ? 1 : 0;
  });
  return { defines, buffers, copies };
}

/** A matrix as gathering kernels read it. */
export interface GatherRows {
  /** Its buffers in order. */
  rows: readonly Operand[];
  /** What has to run before the first use and after what writes the matrix. */
  commands: Command[];
}

/**
 * A matrix that several dispatches gather from. Where it is read so often that this is worth it, and where it is one buffer,
 * it gets a copy; larger ones are copied buffer by buffer by their dispatches, so that memory holds one of them.
 * @param reads rows that all of the dispatches read
 */
export function loadGathered(gpu: Gpu, matrix: Rows, reads: number): GatherRows {
  const rows = matrix.shards.map(({ buffer }) => ({ source: buffer }));
  const count = matrix.rows * matrix.stride / 4;
  const often = wanted(gpu.facts, reads * matrix.stride / 4, count);
  if (!often || matrix.shards.length > 1) return { rows, commands: [] };
  const [{ source }] = rows;
  const texels = createTexels(gpu, count, `${matrix.label} to gather`);
  return { rows: [{ source, texels }], commands: [copyToTexels(source, texels, count)] };
}

/** Entries of a code that count on its way through kernels: those that are usual, else all that it has room for. */
export function entriesOf(
  code: { usual?: number } & ({ entries: GPUBuffer } | { placed: GPUBuffer }),
): number {
  const room = "placed" in code ? code.placed.size / 16 : code.entries.size / 8;
  return Math.min(room, code.usual ?? room);
}
