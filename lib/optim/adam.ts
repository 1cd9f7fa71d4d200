/**
 * Adam on row-sharded parameters; rows that are kept at unit length are brought back to it after the step.
 * Source: architectures spec, section 13.1.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { createRows } from "../gpu/rows.ts";
import { adam, type AdamRates } from "../kernels/adam.ts";
import { SCALARS } from "../kernels/common.ts";
import { normaliseRows } from "../kernels/normalise_rows.ts";
import type { Optimizer, StepBuffers, Trained } from "./types.ts";

/** Numbers of Adam and of its relatives. */
export interface AdamOptions extends AdamRates {
  /** Decoupled weight decay of the parameters that decay (AdamW); 0 when absent. */
  weightDecay?: number;
  /** Whether values without gradient stay where they are. */
  sparse?: boolean;
}

/** Makes the optimiser with zero moments. */
export function adamOptimizer(
  gpu: Gpu,
  parameters: readonly Trained[],
  { step, scalars }: StepBuffers,
  { weightDecay = 0, ...options }: AdamOptions,
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
      parameters.flatMap((parameter, i) => [
        ...parameter.value.shards.map((shard, s) =>
          adam.record(gpu, {
            ...options,
            step,
            scalars,
            clipWord: parameter.clipped ? SCALARS.clip : SCALARS.one,
            count: shard.rows * parameter.value.stride,
            grad: parameter.grad.shards[s].buffer,
            parameter: shard.buffer,
            moment1: moments[i].first.shards[s].buffer,
            moment2: moments[i].second.shards[s].buffer,
            lrFactor: parameter.lrFactor,
            decay: parameter.decays ? weightDecay : 0,
            nonNegative: parameter.nonNegative,
          })
        ),
        ...(parameter.unitRows ? normaliseRows.record(gpu, parameter.value) : []),
      ]),
    toExport: () => [],
    toTraining: () => [],
  };
}
