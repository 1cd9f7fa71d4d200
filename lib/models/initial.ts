/**
 * First values of the parameters that most families share. Source: architectures spec, 0.4 and 1 ("Init").
 * @module
 */
import { RandomStream } from "../base/random.ts";
import type { InitialValues, ModelOptions, StartFacts } from "./types.ts";

/** Rows in random directions of the given length [rows, d], a pure function of the seed. */
export function randomDirections(
  rows: number,
  d: number,
  length: number,
  seed: number,
  purpose = "init",
): Float32Array {
  const stream = new RandomStream(seed, purpose);
  const out = new Float32Array(rows * d);
  for (let f = 0; f < rows; f++) {
    const row = out.subarray(f * d, (f + 1) * d);
    stream.fillNormal(f, row);
    let square = 0;
    for (const v of row) square += v * v;
    const factor = length / Math.sqrt(square);
    for (let j = 0; j < d; j++) row[j] *= factor;
  }
  return out;
}

/** An autoencoder: decoder rows in random directions, encoder tied to the decoder, zero encoder bias. */
export function initialAutoencoder(
  { dSae, dOut, decoderBias, decoderInitNorm }: ModelOptions,
  seed: number,
  facts: StartFacts,
): InitialValues {
  const wDec = randomDirections(dSae, dOut, decoderInitNorm, seed);
  return new Map([
    ["W_enc", wDec.slice()],
    ["b_enc", new Float32Array(dSae)],
    ["W_dec", wDec],
    ...decoderBias ? [["b_dec", facts.bDec[0].slice()] as const] : [],
  ]);
}
