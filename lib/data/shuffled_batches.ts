/**
 * Batches from blocks: rows (or whole contexts) permuted within a block, the next block read while the current one is
 * used.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { Permutation, RandomStream } from "../base/random.ts";
import { StepPace } from "./pace.ts";
import { checkUnits } from "./rows.ts";
import {
  type Batch,
  type BatchSource,
  type Block,
  type BlockSource,
  type DeviceBatch,
  type DeviceBlock,
  isOnDevice,
} from "./types.ts";

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

/** A block that is there or on its way. */
interface Loading {
  block: Promise<Block | DeviceBlock>;
  /** Where it is made in the time of this thread. */
  pace?: StepPace;
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
 * not used in that epoch. At most two blocks are there, in memory or on a device, unless steps are asked for out of order at the same time.
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
  readonly #blocks = new Map<number, Loading>();
  #waited = 0;
  /** Loads under way, since when, and the seconds with at least one before; and since when batches are asked for. */
  #loads = { underWay: 0, since: 0, busy: 0, first: 0 };
  #turn: Promise<unknown> = Promise.resolve();

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

  get idleSeconds(): number | undefined {
    const { underWay, since, busy, first } = this.#loads;
    // What is made in the time of this thread is never behind or ahead of it.
    if (this.source.onDevice || first === 0) return undefined;
    const now = performance.now();
    return (now - first - busy - (underWay > 0 ? now - since : 0)) / 1000;
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
    return await this.#inTurn(async () => {
      const batch = await this.#next(step);
      if (!isOnDevice(batch)) return batch;
      const { rows, block, list, mask } = batch;
      const points = await this.source.read!(block, list);
      return mask ? { step, rows, points, mask } : { step, rows, points };
    });
  }

  next(step: number): Promise<Batch | DeviceBatch> {
    return this.#inTurn(() => this.#next(step));
  }

  /** A block on a device is given up when another is asked for, so that calls must not overlap there. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (!this.source.onDevice) return work();
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #next(step: number): Promise<Batch | DeviceBatch> {
    const place = this.#placeOf(step);
    const number = place.epoch * this.#blocksPerEpoch + place.block;
    const current = this.#block(number);
    for (const other of this.#blocks.keys()) {
      if (other !== number && other !== number + 1) this.#drop(other);
    }
    const start = performance.now();
    current.pace?.hurry();
    const block = await current.block;
    const last = this.#lastStepOf(place);
    if (last + 1 < this.#steps) {
      const ahead = this.#block(number + 1);
      // All of it is under way before the last step of this block, so that nothing is waited for then.
      await ahead.pace?.until(Math.min(1, (place.part + 2) / (place.part + 1 + last - step)));
    }
    this.#waited += (performance.now() - start) / 1000;
    return this.#cut(block, place, number, step);
  }

  async close(): Promise<void> {
    const loading = [...this.#blocks.values()].map(({ block }) => block);
    for (const number of [...this.#blocks.keys()]) this.#drop(number);
    // What is made on a device must have ended before its buffers are freed.
    if (this.source.onDevice) await Promise.allSettled(loading);
    await this.source.close();
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
  #block(number: number): Loading {
    const known = this.#blocks.get(number);
    if (known) return known;
    const epoch = Math.floor(number / this.#blocksPerEpoch);
    const pace = this.source.onDevice ? new StepPace() : undefined;
    const block = this.#timed(this.source.load(epoch, number - epoch * this.#blocksPerEpoch, pace));
    const loading = { block, pace };
    block.then(() => pace?.end(), () => {
      pace?.end();
      if (this.#blocks.get(number) === loading) this.#blocks.delete(number);
    });
    this.#blocks.set(number, loading);
    return loading;
  }

  #timed(block: Loading["block"]): Loading["block"] {
    const loads = this.#loads, now = performance.now();
    loads.first ||= now;
    if (loads.underWay++ === 0) loads.since = now;
    const end = () => {
      if (--loads.underWay === 0) loads.busy += performance.now() - loads.since;
    };
    block.then(end, end);
    return block;
  }

  #drop(number: number): void {
    const { block, pace } = this.#blocks.get(number)!;
    this.#blocks.delete(number);
    pace?.giveUp();
    block.then((one) => isOnDevice(one) && one.release(), () => {});
  }

  #cut(
    block: Block | DeviceBlock,
    place: BatchPlace,
    number: number,
    step: number,
  ): Batch | DeviceBatch {
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
    const mask = block.mask ? { mask: gather(block.mask, 1) } : {};
    if (isOnDevice(block)) {
      const list = new Uint32Array(rows);
      for (let i = 0; i < rows; i++) list[i] = chosen[Math.floor(i / unit)] * unit + i % unit;
      return { step, rows, block, list, ...mask };
    }
    const points = block.points.map((values, p) => gather(values, this.points[p].d));
    return { step, rows, points, ...mask };
  }
}
