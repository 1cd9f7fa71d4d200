/**
 * Running product keys of several heads: the same selection as in training.
 * @module
 */
import { pkmCoder } from "../blocks/coders/pkm.ts";
import { type Coder, frozenParameter, type Parameter, type Workspace } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { writeRows } from "../gpu/rows.ts";
import { STEP } from "../kernels/common.ts";
import type { Activation, DictionaryRecord } from "./record.ts";

/** The coder of a record with the activation `product_keys`. */
export function loadKeys(
  gpu: Gpu,
  space: Workspace,
  { dIn, dSae, bEnc }: DictionaryRecord,
  activation: Extract<Activation, { name: "product_keys" }>,
  inputBias?: Parameter,
): Coder {
  const { k, heads, m1, m2 } = activation;
  const load = (name: string, data: Float32Array, cols: number) => {
    const parameter = frozenParameter(gpu, name, data.length / cols, cols);
    writeRows(gpu, parameter.value, data);
    return parameter;
  };
  gpu.device.queue.writeBuffer(space.step, STEP.k * 4, new Uint32Array([k]));
  return pkmCoder(gpu, space, {
    grid: { m1, m2, latents: dSae, heads },
    keys: load("W_keys", activation.keys, dIn),
    keyBias: load("b_keys", activation.keyBias, activation.keyBias.length),
    latentBias: bEnc.some((b) => b !== 0) ? load("b_latent", bEnc, dSae) : undefined,
    inputBias,
    kMax: k,
  });
}
