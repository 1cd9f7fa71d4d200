/**
 * Sums over the rows of a matrix, optionally weighted or squared, in two levels of fixed shape.
 * @module
 */
import source from "../../shaders/column_sums.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor, type Slice } from "../gpu/kernel.ts";
import type { Shard } from "../gpu/rows.ts";
import { sharedBuffer } from "../gpu/scratch.ts";
import { PARTS, THREADS } from "./common.ts";

/** Rows of a chunk of the first level. */
export const CHUNK_ROWS = 64;

/** Threads that walk through a row together on a software adapter. */
const LANES = 8;

/** Most vec4s of a thread. */
const MOST_COLUMNS = 32;

/** Rows that a thread of a hardware adapter has on their way at once. */
const ROWS = 8;

/** How threads share the columns of a chunk. */
export interface ColumnShare {
  /** Threads of a chunk. */
  threads: number;
  /** vec4s of a thread. */
  columns: number;
  /** Rows that a thread takes at a time. */
  rows: number;
}

/** What to sum. */
export interface ColumnSumsArgs {
  /** Buffers of the matrix in order of rows. */
  shards: readonly Pick<Shard, "buffer" | "rows" | "firstRow">[];
  /** Floats of a row, a multiple of 4. */
  stride: number;
  /** f32, one a row of the matrix. */
  weights?: GPUBuffer;
  /** Sum the squares of all numbers; without weights. */
  squared?: boolean;
  /** f32 [stride]. */
  sums: GPUBuffer | Slice;
}

/** Column sums. */
export const columnSums = {
  kernel: defineKernel({
    name: "column_sums",
    source,
    parts: PARTS,
    buffers: ["m", "weights", "sums"],
    dims: ["rows", "d4", "threads", "chunkRows", "chunks", "firstWeight", "firstChunk"],
  }),

  /** Chunks of each buffer. */
  plan(shardRows: readonly number[]): { firstChunk: number; chunks: number }[] {
    let firstChunk = 0;
    return shardRows.map((rows) => {
      const chunks = Math.ceil(rows / CHUNK_ROWS);
      const plan = { firstChunk, chunks };
      firstChunk += chunks;
      return plan;
    });
  },

  /**
   * Threads for rows of `d4` vec4s. A core reads memory fastest from one end to the other, so that few threads have a
   * whole row there; hardware wants many threads and neighbours for neighbours.
   */
  share(d4: number, { software }: Pick<DeviceFacts, "software">): ColumnShare {
    if (!software) return { threads: d4, columns: 1, rows: ROWS };
    const tiles = Math.ceil(d4 / (LANES * MOST_COLUMNS));
    const columns = Math.ceil(d4 / (LANES * tiles));
    const threads = columns === 1 ? d4 : LANES * Math.ceil(d4 / (LANES * columns));
    return { threads, columns, rows: 1 };
  },

  /** The matrix once. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: rows * d, bytes: 4 * rows * d };
  },

  /** One dispatch a buffer, then one for the partial sums. */
  record(gpu: Gpu, { shards, stride, weights, squared, sums }: ColumnSumsArgs): Dispatch[] {
    const d4 = stride / 4;
    const { threads, columns, rows: rowsAtOnce } = columnSums.share(d4, gpu.facts);
    const loops = { COLUMNS: columns, LANES, ROWS: rowsAtOnce, PASSES: rowsAtOnce > 1 ? 2 : 1 };
    const plans = columnSums.plan(shards.map((s) => s.rows));
    const total = plans.reduce((n, p) => n + p.chunks, 0);
    const partial = sharedBuffer(gpu, total * stride * 4, "partial sums");
    const level = (
      label: string,
      m: GPUBuffer,
      out: GPUBuffer | Slice,
      dims: {
        rows: number;
        chunkRows: number;
        chunks: number;
        firstWeight: number;
        firstChunk: number;
      },
      defines: { WEIGHTED: 0 | 1; SQUARED: 0 | 1 },
    ) =>
      columnSums.kernel.dispatch(gpu, {
        label,
        defines: { ...defines, ...loops },
        dims: { d4, threads, ...dims },
        buffers: { m, weights: defines.WEIGHTED && weights ? weights : m, sums: out },
        groups: gridFor(dims.chunks * threads, THREADS, gpu.facts.maxGroups),
      });
    const first = shards.map((shard, i) =>
      level("chunks", shard.buffer, partial, {
        rows: shard.rows,
        chunkRows: CHUNK_ROWS,
        chunks: plans[i].chunks,
        firstWeight: shard.firstRow,
        firstChunk: plans[i].firstChunk,
      }, { WEIGHTED: weights ? 1 : 0, SQUARED: squared ? 1 : 0 })
    );
    const last = level("total", partial, sums, {
      rows: total,
      chunkRows: total,
      chunks: 1,
      firstWeight: 0,
      firstChunk: 0,
    }, { WEIGHTED: 0, SQUARED: 0 });
    return [...first, last];
  },
};
