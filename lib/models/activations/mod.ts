/**
 * The registry of activation functions: adding one is a file beside this and a line here.
 * @module
 */
import type { ActivationName } from "../types.ts";
import { batchTopkActivation } from "./batchtopk.ts";
import { gatedActivation } from "./gated.ts";
import { groupMaxActivation } from "./groupmax.ts";
import { jumpreluActivation } from "./jumprelu.ts";
import { reluActivation } from "./relu.ts";
import { topkActivation } from "./topk.ts";
import type { ActivationPart } from "./types.ts";

/** All activations, in the order shown to users. */
export const ACTIVATIONS: readonly ActivationPart[] = [
  topkActivation,
  groupMaxActivation,
  batchTopkActivation,
  reluActivation,
  jumpreluActivation,
  gatedActivation,
];

/** The activation of a name. */
export function activationOf(name: ActivationName): ActivationPart {
  const part = ACTIVATIONS.find((a) => a.name === name);
  if (!part) throw new RangeError(`Cannot build activation "${name}": it is not registered`);
  return part;
}
