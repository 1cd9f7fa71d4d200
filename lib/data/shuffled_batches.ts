/**
 * Batches from blocks: rows (or whole contexts) permuted within a block, the next block read while the current one is
 * used.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { Permutation, RandomStream } from "../base/random.ts";
import { checkUnits } from "./rows.ts";
import type { Batch, BatchSource, Block, BlockSource } from "./types.ts";

/** Options of {@link shuffledBatches}. */
export interface ShuffleOptions {
  /** Rows of a batch; a block holds a whole number of batches. */
  batchRows: number;
  /** Seed of the run. */
  seed: number;
  /** Steps of the run, so that nothing is read ahead beyond the last; default without end. */
  steps?: number;
}

/** Batches that know how many there are. */
export interface ShuffledBatches extends BatchSource {
  /** Batches of an epoch. */
  readonly batchesPerEpoch: number;
}

/** Where the batch of a step lies. */
interface BatchPlace {
  epoch: number;
  block: number;
  /** Which batch of its block. */
  part: number;
}

/**
 * Batches of a source. The batch of a step depends on (source, seed, step) alone: the block by the step's number, the
 * rows by a permutation of the block keyed with the block's number. Rows beyond the last whole batch of an epoch are
 * not used in that epoch. At most two blocks are in memory, unless steps are asked for out of order at the same time.
 * @throws {SdmError} when a block is not a whole number of batches, or an epoch holds no batch.
 */
export function shuffledBatches(source: BlockSource, options: ShuffleOptions): ShuffledBatches {
  return new Shuffler(source, options);
}

class Shuffler implements ShuffledBatches {
  readonly points;
  readonly batchRows: number;
  readonly batchesPerEpoch: number;
  readonly #unitRows: number;
  readonly #batchesPerBlock: number;
  readonly #blocksPerEpoch: number;
  readonly #steps: number;
  readonly #stream: RandomStream;
  readonly #blocks = new Map<number, Promise<Block>>();
  #waited = 0;

  constructor(readonly source: BlockSource, options: ShuffleOptions) {
    const { batchRows, seed, steps = Infinity } = options;
    const { blockRows, epochRows } = source;
    if (!(batchRows > 0 && blockRows % batchRows === 0)) {
      throw new SdmError(
        `Cannot cut blocks of ${blockRows} rows into batches of ${batchRows}: ` +
          "a block of a whole number of batches is needed",
      );
    }
    this.#unitRows = source.unitRows ?? 1;
    this.points = source.points;
    this.batchRows = batchRows;
    checkUnits(batchRows, blockRows, this.#unitRows);
    this.batchesPerEpoch = Math.floor(epochRows / batchRows);
    if (this.batchesPerEpoch === 0) {
      throw new SdmError(
        `Cannot fill a batch: an epoch has ${epochRows} rows, one batch needs ${batchRows}`,
        { hint: "give more text, or make the batch smaller" },
      );
    }
    this.#batchesPerBlock = blockRows / batchRows;
    this.#blocksPerEpoch = Math.ceil(this.batchesPerEpoch / this.#batchesPerBlock);
    this.#steps = steps;
    this.#stream = new RandomStream(seed, "rows");
  }

  get waitedSeconds(): number {
    return this.#waited;
  }

  describe(): Record<string, unknown> {
    return {
      ...this.source.describe(),
      batch_rows: this.batchRows,
      block_rows: this.source.blockRows,
      batches_per_epoch: this.batchesPerEpoch,
    };
  }

  async batch(step: number): Promise<Batch> {
    const place = this.#placeOf(step);
    const number = place.epoch * this.#blocksPerEpoch + place.block;
    const current = this.#block(number);
    for (const other of this.#blocks.keys()) {
      if (other !== number && other !== number + 1) this.#blocks.delete(other);
    }
    const start = performance.now();
    const block = await current;
    this.#waited += (performance.now() - start) / 1000;
    if (this.#lastStepOf(place) + 1 < this.#steps) this.#block(number + 1);
    return this.#cut(block, place, number, step);
  }

  close(): Promise<void> {
    this.#blocks.clear();
    return this.source.close();
  }

  #placeOf(step: number): BatchPlace {
    const epoch = Math.floor(step / this.batchesPerEpoch);
    const within = step - epoch * this.batchesPerEpoch;
    const block = Math.floor(within / this.#batchesPerBlock);
    return { epoch, block, part: within - block * this.#batchesPerBlock };
  }

  #lastStepOf({ epoch, block }: BatchPlace): number {
    const end = Math.min((block + 1) * this.#batchesPerBlock, this.batchesPerEpoch);
    return epoch * this.batchesPerEpoch + end - 1;
  }

  /** A block that is loaded or being loaded. One that failed is forgotten, so that it can be asked for again. */
  #block(number: number): Promise<Block> {
    const known = this.#blocks.get(number);
    if (known) return known;
    const epoch = Math.floor(number / this.#blocksPerEpoch);
    const loading = this.source.load(epoch, number - epoch * this.#blocksPerEpoch);
    loading.catch(() => {
      if (this.#blocks.get(number) === loading) this.#blocks.delete(number);
    });
    this.#blocks.set(number, loading);
    return loading;
  }

  #cut(block: Block, place: BatchPlace, number: number, step: number): Batch {
    const unit = this.#unitRows;
    const permutation = new Permutation(block.rows / unit, this.#stream, number);
    const rows = this.batchRows;
    const units = rows / unit;
    const chosen = new Uint32Array(units);
    for (let i = 0; i < units; i++) chosen[i] = permutation.at(place.part * units + i);
    const gather = (values: Float32Array, d: number) => {
      const batch = new Float32Array(rows * d);
      const size = unit * d;
      for (let i = 0; i < units; i++) {
        batch.set(values.subarray(chosen[i] * size, (chosen[i] + 1) * size), i * size);
      }
      return batch;
    };
    const points = block.points.map((values, p) => gather(values, this.points[p].d));
    return block.mask
      ? { step, rows, points, mask: gather(block.mask, 1) }
      : { step, rows, points };
  }
}
