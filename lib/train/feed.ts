/**
 * The way of a batch into the matrices that a step reads: written from memory, or moved where it is on the device already.
 * @module
 */
import type { Batch, DeviceBatch } from "../data/types.ts";
import { isOnDevice } from "../data/types.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import { type Rows, writeRows } from "../gpu/rows.ts";
import { moveRows, NO_ROW } from "../kernels/move_rows.ts";
import type { TrainableModel } from "../models/types.ts";

/** What a batch is put into. */
export interface FeedTarget {
  /** The device. */
  gpu: Gpu;
  /** The model on it. */
  model: Pick<TrainableModel, "inputs">;
  /** Factors of the points. */
  scales: readonly number[];
}

/** Buffers for batches on the device, and the commands by the block that they are taken from. */
interface DeviceFeed {
  list: GPUBuffer;
  bad: GPUBuffer;
  commands: WeakMap<readonly Rows[], readonly Command[]>;
}

const feeds = new WeakMap<FeedTarget["model"], DeviceFeed>();

/** Bytes that a batch takes on the host's side of the queue. */
export function stagedBytes(batch: Batch | DeviceBatch): number {
  if (isOnDevice(batch)) return 8 * batch.rows;
  return batch.points.reduce((bytes, values) => bytes + values.byteLength, 0);
}

/** Puts the rows of a batch, scaled, where the step reads them. What is to run before it is given back. */
export function feedBatch(target: FeedTarget, batch: Batch | DeviceBatch): readonly Command[] {
  if (isOnDevice(batch)) return move(target, batch);
  const { gpu, model, scales } = target;
  model.inputs.forEach((rows, i) => {
    const values = batch.points[i], scale = scales[i];
    writeRows(gpu, rows, scale === 1 ? values : values.map((v) => v * scale));
  });
  return [];
}

function move({ gpu, model, scales }: FeedTarget, batch: DeviceBatch): readonly Command[] {
  const { rows, block, list, norm } = batch;
  let feed = feeds.get(model);
  if (!feed) {
    feed = {
      list: createBuffer(gpu, rows * 8, "rows of a batch"),
      bad: createBuffer(gpu, 16, "finite batch"),
      commands: new WeakMap(),
    };
    feeds.set(model, feed);
  }
  const pairs = new Uint32Array(2 * rows).fill(NO_ROW);
  list.forEach((row, i) => pairs.set([row, i], 2 * i));
  gpu.device.queue.writeBuffer(feed.list, 0, pairs);
  let commands = feed.commands.get(block.matrices);
  if (!commands) {
    const { list, bad } = feed;
    commands = model.inputs.flatMap((target, i) =>
      moveRows.record(gpu, {
        list,
        pairs: rows,
        source: block.matrices[i],
        target,
        scale: scales[i],
        norm,
        bad,
      })
    );
    feed.commands.set(block.matrices, commands);
  }
  return commands;
}
