/**
 * Rows from contexts on the device where the model runs: its taps are copied to a staging buffer and the kept positions
 * of it to a block. Nothing comes back but one word a block, which says whether all values are finite.
 * @module
 */
import { createBuffer, destroyBuffer, type Gpu } from "../gpu/device.ts";
import { type Command, encode, submit } from "../gpu/program.ts";
import { readSlices } from "../gpu/readback.ts";
import { createRows, destroyRows, readRows, type Rows } from "../gpu/rows.ts";
import { moveRows, NO_ROW } from "../kernels/move_rows.ts";
import type { DeviceTaps } from "../onnx/types.ts";
import {
  type ContextRun,
  contextRuns,
  CONTEXTS_PER_RUN,
  countOf,
  notFinite,
  type RowMaker,
  wrongSize,
} from "./context_rows.ts";
import type { UnitSlice } from "./epoch_order.ts";
import { badRow, describeBadValue } from "./finite.ts";
import type { DeviceBlock, Pace } from "./types.ts";

/** The matrices of one block, and the commands that fill them from the staging buffers. */
interface Room {
  matrices: readonly Rows[];
  fill: readonly (readonly Command[])[];
  /** u32 a point: the lowest row with a value that is not finite. */
  bad: readonly GPUBuffer[];
}

/** Where the rows of a block stand in the text. */
interface Places {
  context: Uint32Array;
  position: Uint32Array;
}

/** Rows of a block on their way to the host. */
interface Sample {
  list: GPUBuffer;
  matrices: readonly Rows[];
  commands: readonly Command[];
}

/** Makes blocks on a device; two rooms take turns unless more blocks are in use. */
export class DeviceRows {
  readonly #free: Room[] = [];
  readonly #all: Room[] = [];
  readonly #staging: readonly Rows[];
  readonly #list: GPUBuffer;
  readonly #runTokens: number;
  readonly #samples = new Map<readonly Rows[], Sample>();

  /** @param blockRows rows of a block at most */
  constructor(readonly gpu: Gpu, readonly maker: RowMaker, readonly blockRows: number) {
    const { points, tokens, contextsPerRun = CONTEXTS_PER_RUN } = maker;
    this.#runTokens = contextsPerRun * tokens.contextSize;
    this.#staging = points.map(({ name, d }): Rows => ({
      label: `activations of ${name}`,
      rows: this.#runTokens,
      cols: d,
      stride: d,
      shards: [{
        firstRow: 0,
        rows: this.#runTokens,
        buffer: createBuffer(gpu, this.#runTokens * d * 4, `activations of ${name}`),
      }],
    }));
    this.#list = createBuffer(gpu, this.#runTokens * 8, "rows of a model run");
  }

  /**
   * The rows of slices of contexts, in the order of the slices.
   * @throws {SdmError} when the model gives a value that is not finite, or a tensor of another size.
   */
  async make(
    slices: readonly UnitSlice[],
    pace?: Pace,
    onRows?: (rows: number) => void,
  ): Promise<DeviceBlock> {
    const { maker, gpu } = this;
    const rows = slices.reduce((sum, slice) => sum + slice.to - slice.from, 0);
    const room = this.#free.pop() ?? this.#makeRoom();
    const mask = maker.counted && new Float32Array(rows);
    const size = maker.tokens.contextSize;
    const places = { context: new Uint32Array(rows), position: new Uint32Array(rows) };
    try {
      for (const bad of room.bad) gpu.device.queue.writeBuffer(bad, 0, Uint32Array.of(NO_ROW));
      for (const run of contextRuns(maker, slices)) {
        await pace?.turn(run.firstRow / rows);
        await this.#run(run, room);
        places.context.set(run.context, run.firstRow);
        places.position.set(run.places.map((place) => place % size), run.firstRow);
        mask?.set(countOf(maker, run), run.firstRow);
        onRows?.(run.firstRow + run.places.length);
      }
      await pace?.turn(1);
      await this.#checkFinite(room, places);
    } catch (error) {
      this.#free.push(room);
      throw error;
    }
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#free.push(room);
      isHeld = false;
    };
    return { rows, matrices: room.matrices, ...mask ? { mask } : {}, release };
  }

  /** The values of rows of a block, one matrix a point. */
  async read({ matrices }: DeviceBlock, rows: Uint32Array): Promise<Float32Array[]> {
    const { gpu } = this;
    const sample = this.#sampleOf(matrices, rows.length);
    const pairs = new Uint32Array(2 * rows.length);
    rows.forEach((row, i) => pairs.set([row, i], 2 * i));
    gpu.device.queue.writeBuffer(sample.list, 0, pairs);
    submit(gpu, sample.commands);
    const values: Float32Array[] = [];
    for (const matrix of sample.matrices) values.push(await readRows(gpu, matrix));
    return values;
  }

  #sampleOf(matrices: readonly Rows[], rows: number): Sample {
    const { gpu } = this;
    const known = this.#samples.get(matrices);
    if (known?.matrices[0].rows === rows) return known;
    if (known) this.#destroy(known);
    const list = createBuffer(gpu, rows * 8, "rows of a sample");
    const own = matrices.map(({ label, cols }) => createRows(gpu, `sample: ${label}`, rows, cols));
    const bad = this.#all.find((room) => room.matrices === matrices)!.bad[0];
    const commands = matrices.flatMap((source, p) =>
      moveRows.record(gpu, { list, pairs: rows, source, target: own[p], scale: 1, bad })
    );
    const sample = { list, matrices: own, commands };
    this.#samples.set(matrices, sample);
    return sample;
  }

  #destroy({ list, matrices }: Sample): void {
    destroyBuffer(this.gpu, list);
    matrices.forEach((matrix) => destroyRows(this.gpu, matrix));
  }

  /** Frees everything. */
  close(): void {
    this.#samples.forEach((sample) => this.#destroy(sample));
    for (const { matrices, bad } of this.#all) {
      matrices.forEach((matrix) => destroyRows(this.gpu, matrix));
      bad.forEach((buffer) => destroyBuffer(this.gpu, buffer));
    }
    this.#staging.forEach((matrix) => destroyRows(this.gpu, matrix));
    destroyBuffer(this.gpu, this.#list);
  }

  #makeRoom(): Room {
    const { gpu } = this;
    const matrices = this.maker.points.map(({ name, d }) =>
      createRows(gpu, `block of ${name}`, this.blockRows, d)
    );
    const bad = matrices.map(({ label }) => createBuffer(gpu, 16, `finite ${label}`));
    const fill = matrices.map((target, p) =>
      moveRows.record(gpu, {
        list: this.#list,
        pairs: this.#runTokens,
        source: this.#staging[p],
        target,
        scale: 1,
        bad: bad[p],
      })
    );
    const room = { matrices, fill, bad };
    this.#all.push(room);
    return room;
  }

  /** Runs the model and puts the kept rows into the block. */
  async #run(run: ContextRun, { fill }: Room): Promise<void> {
    const { gpu, maker } = this;
    const taps = await maker.runner.runOnDevice!(run.ids, run.contexts, maker.tokens.contextSize);
    try {
      this.#checkSizes(taps, run);
      const pairs = new Uint32Array(2 * this.#runTokens).fill(NO_ROW);
      run.places.forEach((place, i) => pairs.set([place, run.firstRow + i], 2 * i));
      gpu.device.queue.writeBuffer(this.#list, 0, pairs);
      const encoder = gpu.device.createCommandEncoder();
      taps.buffers.forEach((buffer, p) => {
        const staged = this.#staging[p].shards[0].buffer;
        encoder.copyBufferToBuffer(buffer, 0, staged, 0, taps.lengths[p] * 4);
      });
      encode(encoder, fill.flat());
      gpu.device.queue.submit([encoder.finish()]);
      gpu.check();
    } finally {
      taps.release();
    }
  }

  #checkSizes({ lengths }: DeviceTaps, { ids }: ContextRun): void {
    this.maker.points.forEach((point, p) => {
      if (lengths[p] !== ids.length * point.d) throw wrongSize(point, lengths[p], ids.length);
    });
  }

  async #checkFinite(room: Room, { context, position }: Places): Promise<void> {
    const words = await readSlices(this.gpu, room.bad.map((buffer) => ({ buffer, size: 4 })));
    for (const [p, bytes] of words.entries()) {
      const [row] = new Uint32Array(bytes);
      if (row === NO_ROW) continue;
      const { name, d } = this.maker.points[p];
      const values = (await readRows(this.gpu, room.matrices[p])).subarray(row * d, (row + 1) * d);
      const value = describeBadValue(values, d, Math.max(0, badRow(values, d)));
      throw notFinite(name, value, context[row], position[row]);
    }
  }
}
