/**
 * First values of a cross-layer transcoder.
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { activationOf } from "./activations/mod.ts";
import type { ActivationName, InitialValues, ModelOptions, StartFacts } from "./types.ts";

/** Uniform rows in (-bound, bound). */
function uniform(count: number, bound: number, stream: RandomStream, key: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (2 * stream.uniform(key, i) - 1) * bound);
}

/** Encoders in ±1/√dSae, decoders in ±1/√(layers · dOut), biases at the centres of the targets (spec, 10.7). */
export function layeredStart(
  options: ModelOptions,
  gate: ActivationName,
  seed: number,
  facts: StartFacts,
): InitialValues {
  const { layers, dIn, dOut, dSae } = options;
  const stream = new RandomStream(seed, "init");
  const values = new Map<string, Float32Array>([["b_enc", new Float32Array(layers * dSae)]]);
  for (let l = 0; l < layers; l++) {
    values.set(`W_enc_${l}`, uniform(dSae * dIn, 1 / Math.sqrt(dSae), stream, 2 * l));
    const rows = (l + 1) * dSae;
    values.set(`W_dec_${l}`, uniform(rows * dOut, 1 / Math.sqrt(layers * dOut), stream, 2 * l + 1));
    if (options.decoderBias) values.set(`b_dec_${l}`, facts.bDec[l].slice());
  }
  const all = { ...options, dSae: layers * dSae };
  const more = activationOf(gate).initial?.(all, seed, facts, values);
  return new Map([...values, ...more ?? []]);
}
