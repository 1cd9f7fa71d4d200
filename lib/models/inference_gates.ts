/**
 * Gates of trained dictionaries, by what their records say of the activation.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { topkGate } from "../blocks/gates/topk.ts";
import type { Gate, Workspace } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { createCount, STEP } from "../kernels/common.ts";
import type { Activation } from "./record.ts";

/**
 * The gate of an activation.
 * @throws SdmError for one that only later versions run
 */
export function inferenceGate(
  gpu: Gpu,
  space: Workspace,
  activation: Activation,
  latents: number,
): Gate {
  const { rows, step } = space;
  if (activation.name === "topk") {
    const { k } = activation;
    gpu.device.queue.writeBuffer(step, STEP.k * 4, new Uint32Array([k]));
    return topkGate(gpu, { rows, kMax: k, step, count: createCount(gpu, latents) });
  }
  throw new SdmError(`Cannot run a dictionary with "${activation.name}": it needs a later version`);
}
