/**
 * Points for any family, made of worlds with known features: what it reads, what it reconstructs, and what it must find.
 *
 * An autoencoder gets x = a V + b. Where something else is reconstructed, it is y = a U + c with directions U of their own:
 * more features than dimensions, so that no matrix makes y of x, and a skip connection leaves work for the code. Of several
 * layers each has its own features, which write to their layer and all later ones. Sequences bring what fired one token
 * before (the first token its own), as a head does that looks back.
 * @module
 */
import { RandomStream } from "../base/random.ts";
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import type { PointFacts } from "../data/types.ts";
import type { DataNeeds } from "../models/types.ts";
import {
  addFirings,
  createWorld,
  type Firings,
  type SyntheticSpec,
  type SyntheticWorld,
  unitRows,
} from "./synthetic.ts";

/** What the latents of one layer must find. */
export interface Truth {
  /** How often its features fire [features]. */
  probability: Float64Array;
  /** Directions in each target that they write to, the last of all targets last: row-major [features, d] each. */
  outputs: readonly Float32Array[];
  /** Directions in the layer's input, row-major [features, d]. */
  inputs: Float32Array;
}

/** Rows of all points, and what fired in each layer. */
export interface SyntheticRows {
  /** Inputs, then targets, row-major [rows, d]. */
  points: Float32Array[];
  /** What the latents of each layer should show. */
  firings: Firings[];
}

/** Data of a family. */
export interface SyntheticTask {
  /** Inputs, then targets. */
  readonly points: readonly PointFacts[];
  /** Rows that belong together: 1, or the tokens of a sequence. */
  readonly rowUnit: number;
  /** One a layer. */
  readonly truth: readonly Truth[];
  /** Rows [first, first + rows), a pure function of seed and number; `first` is a multiple of `rowUnit`. */
  rows(first: number, rows: number): SyntheticRows;
}

/** What decides the points. */
export interface TaskOptions {
  /** What the family needs. */
  needs: DataNeeds;
  /** Layers, where there are several. */
  layers: number;
  /** Tokens of a sequence, where there are sequences. */
  context: number;
}

/** First of the rows that are never trained on. */
export const HELD_OUT_FROM = 2 ** 40;

/** Makes the data of a family. */
export function syntheticTask(
  spec: SyntheticSpec,
  seed: number,
  { needs, layers, context }: TaskOptions,
): SyntheticTask {
  const { d, features } = spec;
  const count = needs.layers ? layers : 1;
  const other = needs.target === "other";
  const worlds = Array.from({ length: count }, (_, l) => createWorld(spec, seed, l));
  const stream = (purpose: string) => new RandomStream(seed, `synthetic ${purpose}`);
  const constant = (purpose: string) => unitRows(1, d, stream(purpose)).map((v) => v * spec.offset);
  const outputs = worlds.map(({ directions }, l) =>
    other
      ? Array.from({ length: count - l }, (_, m) => unitRows(features, d, stream(`out ${l} ${m}`)))
      : [directions]
  );
  const inputOffsets = worlds.map((_, l) => constant(`offset ${l}`));
  const outputOffsets = other ? worlds.map((_, l) => constant(`out offset ${l}`)) : [];
  const name = (l: number) => needs.layers ? `layer ${l}` : "planted";
  return {
    points: [
      ...worlds.map((_, l): PointFacts => ({ name: name(l), tensor: `x${l}`, d, role: "input" })),
      ...outputOffsets.map((_, l): PointFacts => ({
        name: `${name(l)} out`,
        tensor: `y${l}`,
        d,
        role: "target",
      })),
    ],
    rowUnit: needs.sequences ? context : 1,
    truth: worlds.map(({ directions, probability }, l) => ({
      probability,
      outputs: outputs[l],
      inputs: directions,
    })),
    rows(first, rows) {
      const own = worlds.map((world) => world.firings(rows, (r) => first + r));
      const shown = needs.sequences ? worlds.map((w) => delayed(w, first, rows, context)) : own;
      const inputs = worlds.map(({ directions }, l) => {
        const x = filled(inputOffsets[l], rows);
        addFirings(x, own[l], directions, d);
        return x;
      });
      const targets = outputOffsets.map((offset, target) => {
        const y = filled(offset, rows);
        for (let l = 0; l <= target; l++) addFirings(y, shown[l], outputs[l][target - l], d);
        return y;
      });
      return { points: [...inputs, ...targets], firings: shown };
    },
  };
}

/** What fired one row before, within a sequence. */
function delayed(world: SyntheticWorld, first: number, rows: number, context: number): Firings {
  return world.firings(rows, (r) => first + r - (r % context > 0 ? 1 : 0));
}

/** `rows` copies of a row. */
function filled(row: Float32Array, rows: number): Float32Array {
  const out = new Float32Array(rows * row.length);
  for (let r = 0; r < rows; r++) out.set(row, r * row.length);
  return out;
}

/** Batches without end: batch t has the rows from t times its size on. */
export function syntheticBatches(task: SyntheticTask, batchRows: number): ShuffledBatches {
  let waited = 0;
  return {
    points: task.points,
    batchRows,
    batchesPerEpoch: Math.floor(HELD_OUT_FROM / batchRows),
    get waitedSeconds() {
      return waited;
    },
    describe: () => ({ synthetic: true, batch_rows: batchRows }),
    close: () => Promise.resolve(),
    batch(step) {
      const start = performance.now();
      const { points } = task.rows(step * batchRows, batchRows);
      waited += (performance.now() - start) / 1000;
      return Promise.resolve({ step, rows: batchRows, points });
    },
  };
}
