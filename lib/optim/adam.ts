/**
 * Adam on row-sharded parameters; rows that are kept at unit length are brought back to it after the step.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import { createRows, type Rows } from "../gpu/rows.ts";
import { adam, type AdamRates } from "../kernels/adam.ts";
import { normaliseRows } from "../kernels/normalise_rows.ts";

/** A parameter as an optimiser sees it. */
export interface Trained {
  /** Name in checkpoints. */
  readonly name: string;
  /** The values. */
  readonly value: Rows;
  /** Their gradient, split like the values. */
  readonly grad: Rows;
  /** Whether rows are brought back to unit length. */
  readonly unitRows: boolean;
}

/** An optimiser: its state and its commands. */
export interface Optimizer {
  /** Moments, by the name that they have in checkpoints. */
  readonly state: readonly { name: string; rows: Rows }[];
  /** The update of all parameters, from gradients that are ready and `scalars` with the clip factor. */
  update(): Command[];
}

/** Makes the optimiser with zero moments. */
export function adamOptimizer(
  gpu: Gpu,
  parameters: readonly Trained[],
  buffers: { step: GPUBuffer; scalars: GPUBuffer },
  rates: AdamRates,
): Optimizer {
  const moments = parameters.map(({ name, value }) => ({
    first: createRows(gpu, `adam_m.${name}`, value.rows, value.cols),
    second: createRows(gpu, `adam_v.${name}`, value.rows, value.cols),
  }));
  return {
    state: moments.flatMap(({ first, second }) => [
      { name: first.label, rows: first },
      { name: second.label, rows: second },
    ]),
    update: () =>
      parameters.flatMap(({ value, grad, unitRows }, i) => [
        ...value.shards.map((shard, s) =>
          adam.record(gpu, {
            ...rates,
            ...buffers,
            count: shard.rows * value.stride,
            grad: grad.shards[s].buffer,
            parameter: shard.buffer,
            moment1: moments[i].first.shards[s].buffer,
            moment2: moments[i].second.shards[s].buffer,
          })
        ),
        ...(unitRows ? normaliseRows.record(gpu, value) : []),
      ]),
  };
}
