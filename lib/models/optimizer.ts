/**
 * The optimiser that the options name.
 * @module
 */
import type { Parameter, Workspace } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { adamOptimizer } from "../optim/adam.ts";
import type { Optimizer } from "../optim/types.ts";
import type { ModelOptions } from "./types.ts";

/** Makes the optimiser of all parameters. */
export function createOptimizer(
  gpu: Gpu,
  { adam }: ModelOptions,
  parameters: readonly Parameter[],
  space: Workspace,
): Optimizer {
  return adamOptimizer(gpu, parameters, space, adam);
}
