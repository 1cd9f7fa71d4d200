/**
 * First weights and rows for both sides of a case, and the files in which a peer finds them.
 * @module
 */
import { join } from "node:path";
import { RandomStream } from "../../lib/base/random.ts";
import type { ModelOptions } from "../../lib/models/types.ts";
import { LEARNING_RATE, optionsOf } from "./options.ts";
import type { PeerCase } from "./types.ts";

/** A tensor. */
export interface Tensor {
  /** Sizes. */
  shape: number[];
  /** Values, row-major. */
  values: Float32Array<ArrayBuffer>;
}

/** What both sides begin with. */
export interface TaskData {
  /** First weights by the program's names. */
  weights: ReadonlyMap<string, Tensor>;
  /** Batches of every point: [point][batch], each [rows, d]. */
  points: Float32Array<ArrayBuffer>[][];
}

/** Batches that take turns. */
const BATCHES = 4;

/** Features that fire on a row, of so many times the width. */
const ACTIVE = 12, FEATURES = 2;

function normals(seed: string, count: number, scale: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  new RandomStream(1, seed).fillNormal(0, values);
  return scale === 1 ? values : values.map((v) => v * scale);
}

/** Large matrices that the next case wants again. */
const made = new Map<string, Float32Array<ArrayBuffer>>();

/** Rows of length 1, not to be written to. */
function directions(seed: string, rows: number, cols: number): Float32Array<ArrayBuffer> {
  const key = `${seed} ${rows} ${cols}`;
  const known = made.get(key);
  if (known) return known;
  const values = newDirections(seed, rows, cols);
  if (made.size > 8) made.clear();
  made.set(key, values);
  return values;
}

function newDirections(seed: string, rows: number, cols: number): Float32Array<ArrayBuffer> {
  const values = normals(seed, rows * cols, 1);
  for (let at = 0; at < values.length; at += cols) {
    const row = values.subarray(at, at + cols);
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    row.forEach((v, i) => row[i] = v / length);
  }
  return values;
}

/** Sparse sums of directions with some noise: like activations, they can be explained by few latents of many. */
function sparseRows(seed: string, rows: number, d: number): Float32Array<ArrayBuffer>[] {
  const features = directions(`${seed} features`, FEATURES * d, d);
  const stream = new RandomStream(2, `${seed} rows`);
  return Array.from({ length: BATCHES }, (_, b) => {
    const out = normals(`${seed} noise ${b}`, rows * d, 0.05);
    for (let r = 0; r < rows; r++) {
      for (let i = 0; i < ACTIVE; i++) {
        const at = stream.below(FEATURES * d, b * rows + r, 2 * i) * d;
        const size = 1 + 2 * stream.uniform(b * rows + r, 2 * i + 1);
        for (let j = 0; j < d; j++) out[r * d + j] += size * features[at + j];
      }
    }
    return out;
  });
}

/** Sizes of the parameters of a case, by name; decoders of a pursuit are encoders as well. */
function parameterShapes(given: PeerCase, options: ModelOptions): [string, number[]][] {
  const { d, latents } = given.shape;
  const { layers, attention } = options;
  const bias: [string, number[]][] = options.decoderBias ? [["b_dec", [d]]] : [];
  switch (given.method) {
    case "matching_pursuit":
      return [["W_dec", [latents, d]], ...bias];
    case "clt":
      return [
        ["b_enc", [layers * latents]],
        ...Array.from({ length: layers }, (_, l): [string, number[]][] => [
          [`W_enc_${l}`, [latents, d]],
          [`W_dec_${l}`, [(l + 1) * latents, d]],
          [`b_dec_${l}`, [d]],
        ]).flat(),
      ];
    case "lorsa": {
      const { heads, width } = attention!;
      return [
        ["W_Q", [heads * width, d]],
        ["b_Q", [heads * width]],
        ["W_K", [heads * width, d]],
        ["b_K", [heads * width]],
        ["W_V", [latents, d]],
        ["b_V", [latents]],
        ["W_dec", [latents, d]],
        ["b_dec", [d]],
      ];
    }
    default:
      return [["W_enc", [latents, d]], ["b_enc", [latents]], ["W_dec", [latents, d]], ...bias];
  }
}

/** First values: directions, an encoder that is its decoder, biases that are zero. */
function firstValues(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const count = shape.reduce((a, b) => a * b, 1);
  if (name.startsWith("b_")) return new Float32Array(count);
  const [rows, cols] = shape;
  return directions(name === "W_enc" || name === "W_dec" ? "W" : name, rows, cols);
}

/** Makes weights and rows. */
export function taskData(given: PeerCase): TaskData {
  const options = optionsOf(given);
  const { rows, d } = given.shape;
  const weights = new Map<string, Tensor>();
  for (const [name, shape] of parameterShapes(given, options)) {
    weights.set(name, { shape, values: firstValues(name, shape) });
  }
  const layered = given.method === "clt" ? options.layers : 1;
  const count = given.method === "clt" || given.method === "lorsa" ? 2 * layered : 1;
  const points = Array.from({ length: count }, (_, p) => sparseRows(`point ${p}`, rows, d));
  return { weights, points };
}

async function writeFloats(
  path: string,
  parts: readonly Float32Array<ArrayBuffer>[],
  shape: readonly number[],
): Promise<{ file: string; shape: readonly number[] }> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const writer = file.writable.getWriter();
  for (const part of parts) {
    await writer.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  await writer.close();
  return { file: path, shape };
}

/** Writes what a worker reads; the path of its spec. */
export async function writeSpec(folder: string, given: PeerCase, data: TaskData): Promise<string> {
  const { rows, d } = given.shape;
  const weights: Record<string, unknown> = {};
  for (const [name, { shape, values }] of data.weights) {
    weights[name] = await writeFloats(join(folder, `${name}.bin`), [values], shape);
  }
  const points = await Promise.all(
    data.points.map((batches, p) =>
      writeFloats(join(folder, `point_${p}.bin`), batches, [batches.length, rows, d])
    ),
  );
  const { peer, method, shape, settings } = given;
  const spec = { peer, method, ...shape, lr: LEARNING_RATE, ...settings, weights, points };
  const path = join(folder, "spec.json");
  await Deno.writeTextFile(path, JSON.stringify(spec));
  return path;
}
