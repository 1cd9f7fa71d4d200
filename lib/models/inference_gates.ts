/**
 * Gates of trained dictionaries, by what their records say of the activation.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { batchTopkGate } from "../blocks/gates/batchtopk.ts";
import { thresholdGate } from "../blocks/gates/emit.ts";
import { groupMaxGate } from "../blocks/gates/groupmax.ts";
import { topkGate } from "../blocks/gates/topk.ts";
import type { Gate, Workspace } from "../blocks/types.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { createCount, STEP } from "../kernels/common.ts";
import { roundUp } from "../tensor/shards.ts";
import type { Activation } from "./record.ts";

/**
 * The gate of an activation. What was trained on whole batches goes by its threshold, so that a row's code does not
 * depend on the other rows, or by the batch where that is asked for: then every batch has all rows of `space`.
 * @throws SdmError for one that only later versions run
 */
export function inferenceGate(
  gpu: Gpu,
  space: Workspace,
  activation: Activation,
  latents: number,
  byBatch = false,
): Gate {
  const { rows, step, scalars } = space;
  const count = createCount(gpu, latents);
  switch (activation.name) {
    case "topk": {
      const { k } = activation;
      gpu.device.queue.writeBuffer(step, STEP.k * 4, new Uint32Array([k]));
      return topkGate(gpu, { rows, kMax: k, step, count });
    }
    case "groupmax":
      return groupMaxGate(gpu, { rows, latents, k: activation.k });
    case "relu":
      return thresholdGate(gpu, { rows, latents, count, scalars });
    case "batchtopk": {
      if (byBatch) {
        const wanted = new Uint32Array([Math.floor(activation.k * rows)]);
        gpu.device.queue.writeBuffer(step, STEP.batchK * 4, wanted);
        return batchTopkGate(gpu, { rows, latents, kMax: activation.k, step, count, scalars });
      }
      const bar = { buffer: bars(gpu, Float32Array.of(activation.threshold)), word: 0 };
      return thresholdGate(gpu, { rows, latents, count, scalars, bar });
    }
    case "jumprelu": {
      const bar = { buffer: bars(gpu, activation.threshold) };
      return thresholdGate(gpu, { rows, latents, count, scalars, bar });
    }
    default:
      throw new SdmError(
        `Cannot run a dictionary with "${activation.name}": it needs a later version`,
      );
  }
}

/** Bars on the device, padded for vec4 loads. */
function bars(gpu: Gpu, values: Float32Array): GPUBuffer {
  const buffer = createBuffer(gpu, roundUp(values.length, 4) * 4, "bars");
  gpu.device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
  return buffer;
}
