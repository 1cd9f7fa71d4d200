/**
 * Operands for the kernel benches: made once a size and shared, since filling large matrices takes longer than timing.
 * Values come from one block of normal numbers of prime length, so that no two rows are alike and the host knows them.
 * @module
 */
import { RandomStream } from "../lib/base/random.ts";
import { createBuffer, type Gpu } from "../lib/gpu/device.ts";
import { submit } from "../lib/gpu/program.ts";
import { createRows, onlyShard, type Rows, writeRows } from "../lib/gpu/rows.ts";
import {
  type CodeByLatent,
  type CodeByRow,
  createCodeByLatent,
  createCodeByRow,
} from "../lib/kernels/code.ts";
import { createScalars, SCALARS, STEP } from "../lib/kernels/common.ts";
import { countEntries } from "../lib/kernels/count_entries.ts";
import { markEntries } from "../lib/kernels/mark_entries.ts";
import { placeEntries } from "../lib/kernels/place_entries.ts";
import { scanCounts } from "../lib/kernels/scan_counts.ts";
import { DEMO, WIDE } from "./shapes.ts";
import type { TrainShape } from "./types.ts";

export { DEMO, WIDE };

const BLOCK = 65521;

function normalBlock(): Float32Array {
  const block = new Float32Array(BLOCK);
  new RandomStream(1, "bench").fillNormal(0, block);
  return block;
}

const block = normalBlock();

/** The number at place `i` of draw `seed`. */
export function valueAt(seed: number, i: number): number {
  return block[(seed * 7919 + i) % BLOCK];
}

/** `count` numbers of draw `seed`, scaled. */
export function draw(count: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const scaled = scale === 1 ? block : block.map((v) => v * scale);
  const out = new Float32Array(count);
  let from = (seed * 7919) % BLOCK;
  for (let at = 0; at < count;) {
    const part = scaled.subarray(from, Math.min(BLOCK, from + count - at));
    out.set(part, at);
    at += part.length;
    from = 0;
  }
  return out;
}

/** A code on the device by rows and by latent, and its latents on the host. */
export interface CodePair {
  /** By rows. */
  byRow: CodeByRow;
  /** By latent, filled. */
  byLatent: CodeByLatent;
  /** u32 [rows, k]: latents. */
  latents: Uint32Array;
  /** f32 [rows, k]: values. */
  values: Float32Array;
  /** Latents that are active on any row. */
  distinct: number;
}

/** Where benches get their operands. */
export interface Stage {
  /** The device. */
  readonly gpu: Gpu;
  /** Whether variants that the program does not choose, and shapes of one kernel alone, are timed too. */
  readonly full: boolean;
  /** Shapes of every kernel. */
  readonly shapes: readonly TrainShape[];
  /** Shapes of the kernels that read rows of a dictionary: what caches hold matters to them. */
  readonly gathered: readonly TrainShape[];
  /** Whether the stage is for one shape, so that what a bench times beside its shapes is left out. */
  readonly bare: boolean;
  /** The buffer `step`, with a small learning rate. */
  readonly step: (k: number) => GPUBuffer;
  /** The buffer `scalars`, with ordinary factors. */
  readonly scalars: GPUBuffer;
  /** A matrix of normal numbers times `scale`; shared by all that ask for the same. */
  matrix(rows: number, cols: number, seed: number, scale?: number): Rows;
  /** The same as one buffer. */
  sheet(rows: number, cols: number, seed: number, scale?: number): GPUBuffer;
  /** A vector of normal numbers times `scale`. */
  vector(length: number, seed: number, scale?: number): GPUBuffer;
  /** Zero floats to write to, never shared. */
  room(floats: number): GPUBuffer;
  /** Words by a rule. */
  words(count: number, rule: (i: number) => number): GPUBuffer;
  /** A code whose popular latents are active on every third row and its rare ones on one of hundreds. */
  code(shape: TrainShape): CodePair;
}

/** Which shapes a stage is for. */
export type StageShapes = "quick" | "full" | TrainShape;

function shapesOf(of: StageShapes): Pick<Stage, "full" | "shapes" | "gathered" | "bare"> {
  if (typeof of !== "string") return { full: false, shapes: [of], gathered: [of], bare: true };
  const full = of === "full";
  return { full, shapes: full ? [DEMO, WIDE] : [DEMO], gathered: [DEMO, WIDE], bare: false };
}

/** Makes a stage on a device. */
export function createStage(gpu: Gpu, of: StageShapes): Stage {
  const made = new Map<string, unknown>();
  const once = <T>(key: string, make: () => T): T => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key) as T;
  };
  const matrix = (rows: number, cols: number, seed: number, scale = 1) =>
    once(`matrix ${rows} ${cols} ${seed} ${scale}`, () => {
      const out = createRows(gpu, `bench ${rows} x ${cols}`, rows, cols);
      writeRows(gpu, out, draw(rows * cols, seed, scale));
      return out;
    });
  const upload = (data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) => {
    const buffer = createBuffer(gpu, Math.max(data.byteLength, 256), "bench operand");
    gpu.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  return {
    gpu,
    ...shapesOf(of),
    step: (k) => once(`step ${k}`, () => upload(stepWords(k))),
    scalars: makeScalars(gpu),
    matrix,
    sheet: (rows, cols, seed, scale) => onlyShard(matrix(rows, cols, seed, scale)),
    vector: (length, seed, scale = 1) =>
      once(`vector ${length} ${seed} ${scale}`, () => onlyShard(matrix(1, length, seed, scale))),
    room: (floats) => createBuffer(gpu, floats * 4, "bench output"),
    words: (count, rule) => upload(Uint32Array.from({ length: count }, (_, i) => rule(i))),
    code: (shape) => once(`code ${Object.values(shape)}`, () => makeCode(gpu, shape)),
  };
}

/** The words of a training step with k active latents, a small learning rate and small penalties. */
export function stepWords(k: number, rows = 0): Uint32Array<ArrayBuffer> {
  const words = new DataView(new ArrayBuffer(STEP.words * 4));
  words.setFloat32(STEP.lr * 4, 1e-5, true);
  words.setFloat32(STEP.correction1 * 4, 1, true);
  words.setFloat32(STEP.correction2 * 4, 1, true);
  words.setUint32(STEP.k * 4, k, true);
  words.setUint32(STEP.batchK * 4, k * rows, true);
  words.setFloat32(STEP.preActCoefficient * 4, 1e-6, true);
  words.setFloat32(STEP.coefficient * 4, 1e-6, true);
  words.setFloat32(STEP.exponent * 4, 1, true);
  words.setFloat32(STEP.nextExponent * 4, 1, true);
  return new Uint32Array(words.buffer);
}

function makeScalars(gpu: Gpu): GPUBuffer {
  const scalars = createScalars(gpu);
  const values = new Float32Array(SCALARS.words).fill(0.5);
  values[SCALARS.one] = 1;
  gpu.device.queue.writeBuffer(scalars, 0, values);
  return scalars;
}

/** Latents of row `r`: one of each of k strata that widen with the square of their number, so popularity is uneven. */
export function codeLatents({ rows, latents, k }: TrainShape): Uint32Array<ArrayBuffer> {
  const stream = new RandomStream(2, "bench codes");
  const out = new Uint32Array(rows * k);
  for (let r = 0; r < rows; r++) {
    let least = 0;
    for (let i = 0; i < k; i++) {
      const u = stream.uniform(r, i);
      const wanted = Math.floor(latents * ((i + u) / k) ** 2);
      const most = latents - (k - i);
      out[r * k + i] = Math.min(most, Math.max(least, wanted));
      least = out[r * k + i] + 1;
    }
  }
  return out;
}

function makeCode(gpu: Gpu, shape: TrainShape): CodePair {
  const { rows, latents, k } = shape;
  const byRow = createCodeByRow(gpu, rows, k);
  const byLatent = createCodeByLatent(gpu, rows, k, latents);
  const chosen = codeLatents(shape);
  const values = draw(rows * k, 5).map((v) => Math.abs(v) + 0.01);
  const bits = new Uint32Array(values.buffer);
  const spans = new Uint32Array(rows * 2);
  const entries = new Uint32Array(rows * byRow.capacity * 2);
  for (let r = 0; r < rows; r++) {
    const start = r * byRow.capacity;
    spans.set([start, start + k], 2 * r);
    for (let i = 0; i < k; i++) {
      entries[2 * (start + i)] = chosen[r * k + i];
      entries[2 * (start + i) + 1] = bits[r * k + i];
    }
  }
  const write = (buffer: GPUBuffer, data: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>) =>
    gpu.device.queue.writeBuffer(buffer, 0, data);
  write(byRow.spans, spans);
  write(byRow.entries, entries);
  write(byRow.dz, draw(rows * byRow.capacity, 6));
  submit(gpu, [
    ...markEntries.record(gpu, byRow, byLatent),
    countEntries.record(gpu, byLatent),
    ...scanCounts.record(gpu, { n: latents, ...byLatent }),
    placeEntries.record(gpu, byRow, byLatent),
  ]);
  return { byRow, byLatent, latents: chosen, values, distinct: new Set(chosen).size };
}
