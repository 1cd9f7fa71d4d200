/**
 * Muon: matrices step along their momentum made orthogonal by Newton-Schulz; everything else is left to Adam at the same
 * learning rate. Source: architectures spec, section 13.1.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import { createRows } from "../gpu/rows.ts";
import { SCALARS } from "../kernels/common.ts";
import { muonMomentum } from "../kernels/muon_momentum.ts";
import { muonUpdate } from "../kernels/muon_update.ts";
import { normaliseRows } from "../kernels/normalise_rows.ts";
import { adamOptimizer } from "./adam.ts";
import { createSchulzSpace, newtonSchulz, type SchulzSpace } from "./newton_schulz.ts";
import type { Optimizer, OptimizerOptions, StepBuffers, Trained } from "./types.ts";

/** Root mean square of an update in units of the learning rate: what Adam's usually is. */
const UPDATE_RMS = 0.2;

function isMatrix({ value }: Trained): boolean {
  return Math.min(value.rows, value.cols) > 1;
}

/** Makes the optimiser with zero momentum. Parameters of one shape share the buffers of the iteration. */
export function muonOptimizer(
  gpu: Gpu,
  parameters: readonly Trained[],
  buffers: StepBuffers,
  options: OptimizerOptions,
): Optimizer {
  const { beta1, beta2, eps, momentum: beta, weightDecay } = options;
  const others = adamOptimizer(
    gpu,
    parameters.filter((parameter) => !isMatrix(parameter)),
    buffers,
    { beta1, beta2, eps },
  );
  const spaces = new Map<string, SchulzSpace>();
  const matrices = parameters.filter(isMatrix).map((parameter) => {
    const { rows, cols } = parameter.value;
    const key = `${rows} ${cols}`;
    const space = spaces.get(key) ?? createSchulzSpace(gpu, rows, cols);
    spaces.set(key, space);
    return { parameter, space, momentum: createRows(gpu, `muon_m.${parameter.name}`, rows, cols) };
  });
  const updateMatrix = ({ parameter, space, momentum }: typeof matrices[number]): Command[] => {
    const { value, grad, clipped, decays, lrFactor, nonNegative, unitRows } = parameter;
    const { step, scalars } = buffers;
    return [
      ...value.shards.map(({ rows }, s) =>
        muonMomentum.record(gpu, {
          count: rows * value.stride,
          beta,
          scalars,
          clipWord: clipped ? SCALARS.clip : SCALARS.one,
          grad: grad.shards[s].buffer,
          momentum: momentum.shards[s].buffer,
          u: space.operand.shards[s].buffer,
        })
      ),
      ...newtonSchulz(gpu, space),
      ...value.shards.map(({ rows, buffer }, s) =>
        muonUpdate.record(gpu, {
          count: rows * value.stride,
          step,
          direction: space.result.shards[s].buffer,
          parameter: buffer,
          factor: UPDATE_RMS * Math.sqrt(Math.max(value.rows, value.cols)),
          decay: decays ? weightDecay : 0,
          lrFactor,
          nonNegative,
        })
      ),
      ...(unitRows ? normaliseRows.record(gpu, value) : []),
    ];
  };
  return {
    state: [
      ...matrices.map(({ momentum }) => ({ name: momentum.label, rows: momentum })),
      ...others.state,
    ],
    update: () => [...matrices.flatMap(updateMatrix), ...others.update()],
    toExport: () => [],
    toTraining: () => [],
  };
}
