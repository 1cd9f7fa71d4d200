/** Points for the training of any family: planted rows, and targets that are linear maps of them. */
import { RandomStream } from "../../lib/base/random.ts";
import type { ModelFamily, ModelOptions } from "../../lib/models/types.ts";
import { meanMaxCosine, type Planted, plantedRows } from "./planted.ts";

/** Rows of every point, and the directions that a decoder must find. */
export interface PlantedPoints {
  /** Inputs, then targets, row-major [rows, d]. */
  points: Float32Array[];
  /** What decoders must find, one a target. */
  planted: Planted[];
  /** What inputs are made of. */
  inputs: Planted[];
}

/** What is planted. */
export interface PlantedShape {
  rows: number;
  d: number;
  count: number;
  active: number;
  offset: number;
}

/** A fixed random map of rows. */
function mapped(x: Float32Array, d: number, seed: number): Float32Array<ArrayBuffer> {
  const map = new Float32Array(d * d);
  new RandomStream(seed, "map").fillNormal(0, map);
  const out = new Float32Array(x.length);
  for (let r = 0; r < x.length / d; r++) {
    for (let j = 0; j < d; j++) {
      let sum = 0;
      for (let i = 0; i < d; i++) sum += x[r * d + i] * map[j * d + i];
      out[r * d + j] = sum / Math.sqrt(d);
    }
  }
  return out;
}

/** Rows of the position before, within a sequence: what a head that looks back would bring. */
function delayed(x: Float32Array, d: number, context: number): Float32Array {
  const out = x.slice();
  for (let r = 0; r < x.length / d; r++) {
    if (r % context > 0) out.set(x.subarray((r - 1) * d, r * d), r * d);
  }
  return out;
}

/** Points as a family needs them. */
export function plantedPoints(
  { needs }: ModelFamily,
  { layers, context }: ModelOptions,
  shape: PlantedShape,
): PlantedPoints {
  const { d } = shape;
  const count = needs.layers ? layers : 1;
  const inputs = Array.from({ length: count }, (_, l) => plantedRows({ ...shape, seed: l + 1 }));
  if (needs.target === "same") return { points: [inputs[0].x], planted: inputs, inputs };
  const sources = inputs.map(({ x }) => needs.sequences ? delayed(x, d, context) : x);
  const targets = inputs.map(({ features, count }, l) => ({
    features: mapped(features, d, l),
    x: mapped(sources[l], d, l),
    d,
    count,
  }));
  return {
    points: [...inputs.map(({ x }) => x), ...targets.map(({ x }) => x)],
    planted: targets,
    inputs,
  };
}

/**
 * Mean over targets and features of the largest cosine with a decoder row; `decoders` one a target.
 * @param skip [d, d], where a part of the target goes past the decoder: it has to find what is left of the features
 */
export function found(
  { planted, inputs }: PlantedPoints,
  decoders: readonly Float32Array[],
  skip?: Float32Array,
): number {
  const each = planted.map((own, i) => {
    const rest = skip ? { ...own, features: withoutSkip(own, inputs[i], skip) } : own;
    return meanMaxCosine(normalised(rest), decoders[i]);
  });
  return each.reduce((a, b) => a + b, 0) / each.length;
}

function withoutSkip(target: Planted, input: Planted, skip: Float32Array): Float32Array {
  const { d } = target;
  return target.features.map((v, i) => {
    const [f, j] = [Math.floor(i / d), i % d];
    for (let c = 0; c < d; c++) v -= skip[j * d + c] * input.features[f * d + c];
    return v;
  });
}

function normalised(planted: Planted): Planted {
  const { features, d } = planted;
  const out = features.slice();
  for (let f = 0; f < features.length / d; f++) {
    const row = out.subarray(f * d, (f + 1) * d);
    const norm = Math.hypot(...row);
    row.forEach((v, j) => row[j] = v / norm);
  }
  return { ...planted, features: out };
}
