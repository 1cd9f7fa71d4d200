/**
 * Activations as the trainer sees them: blocks of row-aligned activations, recomputable from a number.
 * @module
 */

/** Rows of activations that are in memory together; the unit of reading and of shuffling. */
export interface Block {
  /** Number of rows. */
  rows: number;
  /** One matrix a point, row-major [rows, d of that point], float32. */
  points: Float32Array[];
  /** 1 for rows that count, 0 for those that are there only for others of their context; all count without it. */
  mask?: Float32Array;
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
  /** The points, in the order of `Block.points`. */
  readonly points: readonly PointFacts[];
  /** Rows of every block but the last of an epoch. */
  readonly blockRows: number;
  /** Rows of an epoch, all blocks together. */
  readonly epochRows: number;
  /** Rows that belong together and stay in order, the tokens of a context; 1 without it. */
  readonly unitRows?: number;
  /** Facts for the manifest: hashes, counts of dropped rows, names. */
  describe(): Record<string, unknown>;
  /** Block `index` of epoch `epoch`; contexts come in another order in each epoch. */
  load(epoch: number, index: number): Promise<Block>;
  /** Frees what is open. */
  close(): Promise<void>;
}

/** A batch for one training step. */
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

/** Gives batch t as a pure function of (source, seed, t), reading ahead. */
export interface BatchSource {
  /** The points, in the order of `Batch.points`. */
  readonly points: readonly PointFacts[];
  /** Rows of every batch. */
  readonly batchRows: number;
  /** The batch of step `step`; steps are usually asked for in order, any order is legal. */
  batch(step: number): Promise<Batch>;
  /** Seconds that callers have waited for data so far. */
  readonly waitedSeconds: number;
  /** Facts for the manifest. */
  describe(): Record<string, unknown>;
  /** Frees what is open. */
  close(): Promise<void>;
}
