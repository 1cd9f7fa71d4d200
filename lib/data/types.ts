/**
 * Activations as the trainer sees them: blocks of row-aligned activations, in memory or on a device, recomputable from a
 * number.
 * @module
 */
import type { Rows } from "../gpu/rows.ts";
import type { RowNorm } from "../tensor/row_norm.ts";

/** Rows of activations that are together; the unit of reading and of shuffling. This one is in memory. */
export interface Block {
  /** Number of rows. */
  rows: number;
  /** One matrix a point, row-major [rows, d of that point], float32. */
  points: Float32Array[];
  /** 1 for rows that count, 0 for those that are there only for others of their context; all count without it. */
  mask?: Float32Array;
}

/** The same where the model ran on the device of the dictionary: nothing has left it. */
export interface DeviceBlock {
  /** Number of rows. */
  rows: number;
  /** One matrix a point, with at least that many rows. */
  matrices: readonly Rows[];
  /** As in {@link Block}. */
  mask?: Float32Array;
  /** Gives the matrices back for another block; commands that were submitted before still find them as they were. */
  release(): void;
}

/**
 * When a block that is read ahead may be made, where that takes its user's own time: so much of it for every step, in
 * place of all of it at once.
 */
export interface Pace {
  /**
   * Waits until the next part is due.
   * @param done how much of the block is made, 0 to 1; there is nothing to wait for at 1
   * @throws what it was given up for
   */
  turn(done: number): Promise<void>;
}

/** Facts about one recorded point. */
export interface PointFacts {
  /** Canonical hookpoint name. */
  name: string;
  /** ONNX tensor. */
  tensor: string;
  /** Width. */
  d: number;
  /** "target" for what is to be reconstructed; an input without it. */
  role?: PointRole;
}

/** What a point is for. */
export type PointRole = "input" | "target";

/**
 * A source of blocks. `load(epoch, index)` is a pure function of the source: it gives the same rows in the same
 * order whenever it is called, so that a resumed run sees what an uninterrupted one would have seen.
 */
export interface BlockSource {
  /** The points, in the order of `Block.points` and `DeviceBlock.matrices`. */
  readonly points: readonly PointFacts[];
  /** Rows of every block but the last of an epoch. */
  readonly blockRows: number;
  /** Rows of an epoch, all blocks together. */
  readonly epochRows: number;
  /** Rows that belong together and stay in order, the tokens of a context; 1 without it. */
  readonly unitRows?: number;
  /** Facts for the manifest: hashes, counts of dropped rows, names. */
  describe(): Record<string, unknown>;
  /** Whether blocks are on a device, and made in the time of their user. */
  readonly onDevice?: boolean;
  /**
   * Block `index` of epoch `epoch`; contexts come in another order in each epoch.
   * @param pace for sources that are made in their user's time; without it at once
   */
  load(epoch: number, index: number, pace?: Pace): Promise<Block | DeviceBlock>;
  /** The values of rows of a block of this source, where that is on a device: one matrix a point. */
  read?(block: DeviceBlock, rows: Uint32Array): Promise<Float32Array[]>;
  /** Frees what is open. */
  close(): Promise<void>;
}

/** A source whose blocks are in memory. */
export interface HostSource extends BlockSource {
  load(epoch: number, index: number): Promise<Block>;
}

/** A batch for one training step, in memory. */
export interface Batch {
  /** Step that the batch belongs to. */
  step: number;
  /** Number of rows. */
  rows: number;
  /** One matrix a point, row-major [rows, d]. */
  points: Float32Array[];
  /** 1 for rows that count, 0 for others, where batches are whole contexts. */
  mask?: Float32Array;
}

/** A batch whose rows are on the device already. */
export interface DeviceBatch {
  /** Step that the batch belongs to. */
  step: number;
  /** Number of rows. */
  rows: number;
  /** Where the rows are; good until the next batch is asked for. */
  block: DeviceBlock;
  /** Which rows of the block, in order. */
  list: Uint32Array;
  /** What is to be done to each row. */
  norm?: RowNorm;
  /** As in {@link Batch}. */
  mask?: Float32Array;
}

/** Whether a block, or a batch, is on a device. */
export function isOnDevice<D extends DeviceBlock | DeviceBatch>(one: Block | Batch | D): one is D {
  return !("points" in one);
}

/** The batch of a step where it is. */
export function nextBatch(batches: BatchSource, step: number): Promise<Batch | DeviceBatch> {
  return batches.next ? batches.next(step) : batches.batch(step);
}

/** Gives batch t as a pure function of (source, seed, t), reading ahead. */
export interface BatchSource {
  /** The points, in the order of `Batch.points` and of a block's matrices. */
  readonly points: readonly PointFacts[];
  /** Rows of every batch. */
  readonly batchRows: number;
  /** The batch of step `step` in memory; steps are usually asked for in order, any order is legal. */
  batch(step: number): Promise<Batch>;
  /** The same where it is: on the device when the model ran there, else in memory. `batch` without it. */
  next?(step: number): Promise<Batch | DeviceBatch>;
  /** Seconds that callers have waited for data so far. */
  readonly waitedSeconds: number;
  /** Seconds in which nothing was being read or made, since the first batch was asked for. */
  readonly idleSeconds?: number;
  /** Facts for the manifest. */
  describe(): Record<string, unknown>;
  /** Frees what is open. */
  close(): Promise<void>;
}
