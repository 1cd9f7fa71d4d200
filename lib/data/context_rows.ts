/**
 * Rows from contexts: runs the model over what a list of slices needs and copies the kept positions out.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { ModelRunner } from "../onnx/types.ts";
import type { KeptPositions } from "../text/masks.ts";
import type { TokenSet } from "../text/packing.ts";
import type { UnitSlice } from "./epoch_order.ts";
import { badRow, describeBadValue } from "./finite.ts";
import { keptIn } from "./rows.ts";
import type { Block, PointFacts } from "./types.ts";

/** Contexts of one model run when nothing else is asked for. */
export const CONTEXTS_PER_RUN = 16;

/** Text, model and points: all that is needed to make rows. */
export interface RowMaker {
  /** The contexts. */
  readonly tokens: TokenSet;
  /** Which positions give rows. */
  readonly kept: KeptPositions;
  /** Which of the rows count, where rows are whole contexts; all without it. */
  readonly counted?: KeptPositions;
  /** The model; its taps are the tensors of `points`, in the same order. */
  readonly runner: ModelRunner;
  /** The points. */
  readonly points: readonly PointFacts[];
  /** Contexts of one model run; default 16. */
  readonly contextsPerRun?: number;
}

/** Rows with their places. */
export interface PlacedBlock extends Block {
  /** Context of each row. */
  context: Uint32Array;
  /** Position of each row in its context. */
  position: Uint32Array;
  /** Token id of each row. */
  token: Int32Array;
}

/** Model runs that are asked for before the first of them is looked at: the model's thread never waits for this one. */
const RUNS_AHEAD = 2;

/** One run of the model and the rows that are wanted of it. */
export interface ContextRun {
  /** Token ids, row-major [contexts, context size]. */
  ids: Int32Array;
  /** Number of contexts. */
  contexts: number;
  /** Where each row stands in the run: context · context size + position. */
  places: Uint32Array;
  /** Number of the context of each row. */
  context: Uint32Array;
  /** Rows of the runs before. */
  firstRow: number;
}

/** The model runs that give the rows of slices, in order. */
export function* contextRuns(
  { tokens, kept, contextsPerRun = CONTEXTS_PER_RUN }: RowMaker,
  slices: readonly UnitSlice[],
): Generator<ContextRun> {
  const size = tokens.contextSize;
  let firstRow = 0;
  for (let first = 0; first < slices.length; first += contextsPerRun) {
    const group = slices.slice(first, first + contextsPerRun);
    const ids = new Int32Array(group.length * size);
    const places: number[] = [], context: number[] = [];
    group.forEach(({ unit, from, to }, i) => {
      const own = tokens.idsOf(unit);
      ids.set(own, i * size);
      for (const position of keptIn(own, kept).slice(from, to)) {
        places.push(i * size + position);
        context.push(unit);
      }
    });
    yield {
      ids,
      contexts: group.length,
      places: Uint32Array.from(places),
      context: Uint32Array.from(context),
      firstRow,
    };
    firstRow += places.length;
  }
}

/** Whether each row of a run counts, as 1 or 0. */
export function countOf({ counted, tokens }: RowMaker, { places, ids }: ContextRun): Float32Array {
  return Float32Array.from(
    places,
    (place) => counted && !counted.keeps(place % tokens.contextSize, ids[place]) ? 0 : 1,
  );
}

/** A tensor whose size is not that of the point. */
export function wrongSize(point: PointFacts, found: number, tokens: number): SdmError {
  return new SdmError(
    `Cannot use activations of "${point.name}": tensor "${point.tensor}" gave ${found} values for ` +
      `${tokens} tokens, ${point.d} a token are needed`,
  );
}

/** A value that is not finite; `value` says which, and where in the row where that is known. */
export function notFinite(name: string, value: string, context: number, position: number) {
  return new SdmError(
    `Cannot use activations of "${name}": ${value} at context ${context}, position ${position}, ` +
      "finite numbers are needed",
    { hint: "a model in float32 in place of float16 often mends this" },
  );
}

/** Room for `rows` rows. */
export function blockRoom({ points, counted }: RowMaker, rows: number): PlacedBlock {
  const block: PlacedBlock = {
    rows,
    points: points.map((point) => new Float32Array(rows * point.d)),
    context: new Uint32Array(rows),
    position: new Uint32Array(rows),
    token: new Int32Array(rows),
  };
  if (counted) block.mask = new Float32Array(rows);
  return block;
}

/** The first rows of a room. */
function firstRows(room: PlacedBlock, rows: number, points: readonly PointFacts[]): PlacedBlock {
  return {
    rows,
    points: room.points.map((values, p) => values.subarray(0, rows * points[p].d)),
    context: room.context.subarray(0, rows),
    position: room.position.subarray(0, rows),
    token: room.token.subarray(0, rows),
    ...room.mask ? { mask: room.mask.subarray(0, rows) } : {},
  };
}

/** What may be told of the making of rows. */
export interface RowOptions {
  /** Stops between two model runs. */
  signal?: AbortSignal;
  /** Hears how many rows there are. */
  onRows?: (rows: number) => void;
  /** Where they are to be put: much memory that is used again and again is better than as much for the collector. */
  room?: PlacedBlock;
}

/**
 * The rows of slices of contexts, in the order of the slices.
 * @throws {SdmError} when the model gives a value that is not finite, or a tensor of another size.
 */
export async function contextRows(
  maker: RowMaker,
  slices: readonly UnitSlice[],
  { signal, onRows, room }: RowOptions = {},
): Promise<PlacedBlock> {
  const rows = slices.reduce((sum, slice) => sum + slice.to - slice.from, 0);
  const block = room ? firstRows(room, rows, maker.points) : blockRoom(maker, rows);
  for await (const { run, outputs } of runAhead(maker, slices, signal)) {
    copyRows(maker, run, outputs, block);
    onRows?.(run.firstRow + run.places.length);
  }
  return block;
}

/** Runs of the model with what they give; the next ones are under way while one is looked at. */
async function* runAhead(
  maker: RowMaker,
  slices: readonly UnitSlice[],
  signal?: AbortSignal,
): AsyncGenerator<{ run: ContextRun; outputs: Float32Array[] }> {
  const { runner, points, tokens } = maker;
  const runs = contextRuns(maker, slices);
  const ahead: { run: ContextRun; outputs: Promise<Float32Array[]> }[] = [];
  const ask = () => {
    const { value: run } = runs.next();
    if (!run) return;
    const outputs = runner.run(run.ids, run.contexts, tokens.contextSize);
    outputs.catch(() => {}); // it is heard of when its turn comes
    ahead.push({ run, outputs });
  };
  for (let i = 0; i < RUNS_AHEAD; i++) ask();
  while (ahead.length > 0) {
    signal?.throwIfAborted();
    const { run, outputs: giving } = ahead.shift()!;
    const outputs = await giving;
    ask();
    points.forEach((point, p) => {
      const found = outputs[p]?.length ?? 0;
      if (found !== run.ids.length * point.d) throw wrongSize(point, found, run.ids.length);
    });
    yield { run, outputs };
  }
}

/** Copies the wanted rows of a run to the block, a stretch at a time, and checks them. */
function copyRows(
  maker: RowMaker,
  run: ContextRun,
  outputs: readonly Float32Array[],
  block: PlacedBlock,
): void {
  const { places, firstRow } = run;
  const size = maker.tokens.contextSize;
  maker.points.forEach(({ name, d }, p) => {
    const target = block.points[p];
    for (let i = 0; i < places.length;) {
      let next = i + 1;
      while (next < places.length && places[next] === places[next - 1] + 1) next++;
      const from = places[i] * d;
      target.set(outputs[p].subarray(from, from + (next - i) * d), (firstRow + i) * d);
      i = next;
    }
    const own = target.subarray(firstRow * d, (firstRow + places.length) * d);
    const bad = badRow(own, d);
    if (bad < 0) return;
    throw notFinite(name, describeBadValue(own, d, bad), run.context[bad], places[bad] % size);
  });
  block.context.set(run.context, firstRow);
  block.position.set(places.map((place) => place % size), firstRow);
  block.token.set(Int32Array.from(places, (place) => run.ids[place]), firstRow);
  block.mask?.set(countOf(maker, run), firstRow);
}
