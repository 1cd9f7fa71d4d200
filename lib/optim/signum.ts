/**
 * Sign descent inside the schedule-free method: gradients are taken at y, between what descends (z) and its average (x),
 * and the average is the result. The learning rate needs no decay. Rows of unit length are kept so in x, z and y.
 * Source: architectures spec, section 13.1.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import { createRows, onlyShard } from "../gpu/rows.ts";
import { normaliseRows } from "../kernels/normalise_rows.ts";
import { AVERAGE, scheduleFree } from "../kernels/schedule_free.ts";
import { signum, type SignumPart } from "../kernels/signum.ts";
import type { Optimizer, StepBuffers, Trained } from "./types.ts";

/**
 * Makes the optimiser. x and z begin at the parameters as the first step finds them.
 * @param beta share of x in y
 */
export function signumOptimizer(
  gpu: Gpu,
  parameters: readonly Trained[],
  { step }: StepBuffers,
  beta: number,
): Optimizer {
  const held = parameters.map(({ name, value }) => ({
    z: createRows(gpu, `signum_z.${name}`, value.rows, value.cols),
    x: createRows(gpu, `signum_x.${name}`, value.rows, value.cols),
  }));
  const weights = createRows(gpu, "schedule_free", 1, AVERAGE.words);
  const average = onlyShard(weights);

  const part = (i: number, name: SignumPart): Command[] => {
    const { value, grad, lrFactor, nonNegative } = parameters[i];
    return value.shards.map((shard, s) =>
      signum.record(gpu, {
        part: name,
        count: shard.rows * value.stride,
        beta,
        step,
        average,
        grad: grad.shards[s].buffer,
        y: shard.buffer,
        z: held[i].z.shards[s].buffer,
        x: held[i].x.shards[s].buffer,
        lrFactor,
        nonNegative,
      })
    );
  };
  const blend = (i: number): Command[] => [
    ...part(i, "blend"),
    ...(parameters[i].unitRows ? normaliseRows.record(gpu, parameters[i].value) : []),
  ];
  const one = (i: number): Command[] =>
    parameters[i].unitRows
      ? [
        ...part(i, "descend"),
        ...normaliseRows.record(gpu, held[i].z),
        ...normaliseRows.record(gpu, held[i].x),
        ...blend(i),
      ]
      : part(i, "step");
  const each = (make: (i: number) => Command[]) => parameters.flatMap((_, i) => make(i));
  return {
    state: [
      ...held.flatMap(({ z, x }) => [{ name: z.label, rows: z }, { name: x.label, rows: x }]),
      { name: weights.label, rows: weights },
    ],
    update: () => [scheduleFree.record(gpu, { step, average }), ...each(one)],
    toExport: () => each((i) => part(i, "show")),
    toTraining: () => each(blend),
  };
}
