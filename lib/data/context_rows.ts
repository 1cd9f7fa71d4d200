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
import { keptOf } from "./rows.ts";
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
}

/**
 * The rows of slices of contexts, in the order of the slices.
 * @param signal stops between two model runs.
 * @throws {SdmError} when the model gives a value that is not finite, or a tensor of another size.
 */
export async function contextRows(
  maker: RowMaker,
  slices: readonly UnitSlice[],
  signal?: AbortSignal,
  onRows?: (rows: number) => void,
): Promise<PlacedBlock> {
  const rows = slices.reduce((sum, slice) => sum + slice.to - slice.from, 0);
  const block: PlacedBlock = {
    rows,
    points: maker.points.map((point) => new Float32Array(rows * point.d)),
    context: new Uint32Array(rows),
    position: new Uint32Array(rows),
  };
  if (maker.counted) block.mask = new Float32Array(rows);
  const perRun = maker.contextsPerRun ?? CONTEXTS_PER_RUN;
  let row = 0;
  for (let first = 0; first < slices.length; first += perRun) {
    signal?.throwIfAborted();
    const group = slices.slice(first, first + perRun);
    const outputs = await runContexts(maker, group.map((slice) => slice.unit));
    group.forEach((slice, i) => {
      const positions = keptOf(maker.tokens, maker.kept, slice.unit).slice(slice.from, slice.to);
      const at = { context: slice.unit, index: i, row };
      copyRows(maker, outputs, positions, at, block);
      block.context.fill(slice.unit, row, row + positions.length);
      block.position.set(positions, row);
      positions.forEach((position, i) => {
        const id = maker.tokens.ids[slice.unit * maker.tokens.contextSize + position];
        if (maker.counted?.keeps(position, id)) block.mask![row + i] = 1;
      });
      row += positions.length;
    });
    onRows?.(row);
  }
  return block;
}

async function runContexts(maker: RowMaker, contexts: number[]): Promise<Float32Array[]> {
  const { tokens, runner, points } = maker;
  const length = tokens.contextSize;
  const ids = new Int32Array(contexts.length * length);
  contexts.forEach((context, i) => {
    ids.set(tokens.ids.subarray(context * length, (context + 1) * length), i * length);
  });
  const outputs = await runner.run(ids, contexts.length, length);
  points.forEach((point, p) => {
    const found = outputs[p]?.length ?? 0;
    if (found === ids.length * point.d) return;
    throw new SdmError(
      `Cannot use activations of "${point.name}": tensor "${point.tensor}" gave ${found} values for ` +
        `${ids.length} tokens, ${point.d} a token are needed`,
    );
  });
  return outputs;
}

/** Copies positions of one context of a run to rows of the block, a stretch at a time, and checks them. */
function copyRows(
  maker: RowMaker,
  outputs: readonly Float32Array[],
  positions: readonly number[],
  at: { context: number; index: number; row: number },
  block: PlacedBlock,
): void {
  const base = at.index * maker.tokens.contextSize;
  maker.points.forEach(({ name, d }, p) => {
    const target = block.points[p];
    for (let i = 0; i < positions.length;) {
      let next = i + 1;
      while (next < positions.length && positions[next] === positions[next - 1] + 1) next++;
      const from = (base + positions[i]) * d;
      target.set(outputs[p].subarray(from, from + (next - i) * d), (at.row + i) * d);
      i = next;
    }
    const own = target.subarray(at.row * d, (at.row + positions.length) * d);
    const bad = badRow(own, d);
    if (bad < 0) return;
    throw new SdmError(
      `Cannot use activations of "${name}": ${describeBadValue(own, d, bad)} at context ` +
        `${at.context}, position ${positions[bad]}, finite numbers are needed`,
      { hint: "a model in float32 in place of float16 often mends this" },
    );
  });
}
