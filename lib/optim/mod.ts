/**
 * Optimisers by name.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { adamOptimizer } from "./adam.ts";
import { muonOptimizer } from "./muon.ts";
import { signumOptimizer } from "./signum.ts";
import type { Optimizer, OptimizerKind, OptimizerOptions, StepBuffers, Trained } from "./types.ts";

const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, momentum: 0.95 };

/** Numbers that each optimiser has where nothing else is asked for. */
export const OPTIMIZER_DEFAULTS: Readonly<Record<OptimizerKind, OptimizerOptions>> = {
  adam: ADAM,
  adamw: { ...ADAM, weightDecay: 0.01 },
  sparse_adam: ADAM,
  signum: ADAM,
  muon: { ...ADAM, weightDecay: 0.1 },
};

type Maker = (
  gpu: Gpu,
  parameters: readonly Trained[],
  buffers: StepBuffers,
  options: OptimizerOptions,
) => Optimizer;

const MAKERS: Readonly<Record<OptimizerKind, Maker>> = {
  adam: (gpu, parameters, buffers, { beta1, beta2, eps }) =>
    adamOptimizer(gpu, parameters, buffers, { beta1, beta2, eps }),
  adamw: (gpu, parameters, buffers, { beta1, beta2, eps, weightDecay }) =>
    adamOptimizer(gpu, parameters, buffers, { beta1, beta2, eps, weightDecay }),
  sparse_adam: (gpu, parameters, buffers, { beta1, beta2, eps }) =>
    adamOptimizer(gpu, parameters, buffers, { beta1, beta2, eps, sparse: true }),
  signum: (gpu, parameters, buffers, { momentum }) =>
    signumOptimizer(gpu, parameters, buffers, momentum),
  muon: muonOptimizer,
};

/**
 * Makes an optimiser with an empty state.
 * @param options what differs from {@link OPTIMIZER_DEFAULTS}; absent and undefined mean the same
 */
export function createOptimizer(
  gpu: Gpu,
  kind: OptimizerKind,
  parameters: readonly Trained[],
  buffers: StepBuffers,
  options: Partial<OptimizerOptions> = {},
): Optimizer {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return MAKERS[kind](gpu, parameters, buffers, {
    ...OPTIMIZER_DEFAULTS[kind],
    ...Object.fromEntries(given),
  });
}
