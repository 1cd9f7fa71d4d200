/**
 * Keeps count of what a source of blocks makes, so that a run can tell the pace of the language model from its own.
 * @module
 */
import type { Block, BlockSource, DeviceBlock, Pace } from "../data/types.ts";

/** What was made so far; grows while a run goes on. */
export interface LoadMeter {
  /** Rows of all blocks so far, as far as known those of the block that is being made. */
  rows(): number;
  /** Seconds in which a block was being made. */
  seconds(): number;
  /** Hears how many rows of the block that is being made are there. */
  onRows(done: number): void;
}

/** Makes a meter, and a source that reports to it. */
export function meterLoads(): { meter: LoadMeter; of(source: BlockSource): BlockSource } {
  const finished = { rows: 0, seconds: 0 };
  let underWay = 0, began = 0, part = 0;
  const begin = () => {
    if (underWay++ === 0) began = performance.now();
    part = 0;
  };
  const end = (block?: Block | DeviceBlock) => {
    if (--underWay === 0) finished.seconds += (performance.now() - began) / 1000;
    finished.rows += block?.rows ?? 0;
    part = 0;
  };
  const meter: LoadMeter = {
    rows: () => finished.rows + part,
    seconds: () => finished.seconds + (underWay > 0 ? (performance.now() - began) / 1000 : 0),
    onRows: (done) => part = done,
  };
  /** While a block is not due nothing is made. */
  const inTurns = (pace: Pace): Pace => ({
    async turn(done) {
      const made = part;
      end();
      try {
        await pace.turn(done);
      } finally {
        begin();
        part = made;
      }
    },
  });
  const of = (source: BlockSource): BlockSource => ({
    points: source.points,
    blockRows: source.blockRows,
    epochRows: source.epochRows,
    unitRows: source.unitRows,
    describe: () => source.describe(),
    onDevice: source.onDevice,
    read: source.read,
    async load(epoch, index, pace) {
      begin();
      try {
        const block = await source.load(epoch, index, pace && inTurns(pace));
        end(block);
        return block;
      } catch (error) {
        end();
        throw error;
      }
    },
    close: () => source.close(),
  });
  return { meter, of };
}
