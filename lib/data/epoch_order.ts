/**
 * The order of an epoch: units (contexts, or stretches of a shard) permuted by a key, and what a range of rows is then
 * made of. Everything is a pure function of (seed, purpose, epoch), so that no state is needed to resume.
 * @module
 */
import { Permutation, RandomStream } from "../base/random.ts";
import { unitOf } from "./rows.ts";

/** Units in the order of an epoch. */
export interface EpochOrder {
  /** The unit at each place. */
  readonly unitAt: (place: number) => number;
  /** Rows before each place; one more entry than there are places. */
  readonly rowStart: ArrayLike<number>;
}

/** A stretch of rows of one unit. */
export interface UnitSlice {
  /** The unit. */
  unit: number;
  /** First row, counted within the unit. */
  from: number;
  /** Row after the last. */
  to: number;
}

/** Units as they come. `unitStart` has the rows before each unit and, last, the number of rows. */
export function sequentialOrder(unitStart: ArrayLike<number>): EpochOrder {
  return { unitAt: (place) => place, rowStart: unitStart };
}

/** Units in the order of epoch number `epoch`. */
export function shuffledOrder(
  unitStart: ArrayLike<number>,
  stream: RandomStream,
  epoch: number,
): EpochOrder {
  const units = unitStart.length - 1;
  const permutation = new Permutation(units, stream, epoch);
  const rowStart = new Float64Array(units + 1);
  const order = new Uint32Array(units);
  for (let place = 0; place < units; place++) {
    const unit = order[place] = permutation.at(place);
    rowStart[place + 1] = rowStart[place] + unitStart[unit + 1] - unitStart[unit];
  }
  return { unitAt: (place) => order[place], rowStart };
}

/** Orders of the epochs last asked for; a new epoch is computed once. */
export function epochOrders(
  unitStart: ArrayLike<number>,
  seed: number,
  purpose: string,
): (epoch: number) => EpochOrder {
  const stream = new RandomStream(seed, purpose);
  const known = new Map<number, EpochOrder>();
  return (epoch) => {
    let order = known.get(epoch);
    if (!order) {
      order = shuffledOrder(unitStart, stream, epoch);
      // Two are enough: the epoch in use and the one that is read ahead.
      if (known.size >= 2) known.delete(known.keys().next().value!);
      known.set(epoch, order);
    }
    return order;
  };
}

/** What rows [first, first + count) of an order are made of, in order; empty units are left out. */
export function slicesOf(order: EpochOrder, first: number, count: number): UnitSlice[] {
  const { rowStart, unitAt } = order;
  const end = first + count;
  if (first < 0 || end > rowStart[rowStart.length - 1]) {
    throw new RangeError(
      `Cannot take rows ${first} to ${end}: there are ${rowStart[rowStart.length - 1]} rows`,
    );
  }
  const slices: UnitSlice[] = [];
  if (count === 0) return slices;
  for (let place = unitOf(rowStart, first); rowStart[place] < end; place++) {
    const from = Math.max(first, rowStart[place]) - rowStart[place];
    const to = Math.min(end, rowStart[place + 1]) - rowStart[place];
    if (to > from) slices.push({ unit: unitAt(place), from, to });
  }
  return slices;
}
