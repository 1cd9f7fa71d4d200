/**
 * The optimiser that the options name.
 * @module
 */
import type { Parameter, Workspace } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { createOptimizer as create } from "../optim/mod.ts";
import type { Optimizer } from "../optim/types.ts";
import type { ModelOptions } from "./types.ts";

/** Makes the optimiser of all parameters. */
export function createOptimizer(
  gpu: Gpu,
  { optimizer, adam, weightDecay, momentum }: ModelOptions,
  parameters: readonly Parameter[],
  { step, scalars }: Workspace,
): Optimizer {
  return create(gpu, optimizer, parameters, { step, scalars }, { ...adam, weightDecay, momentum });
}
