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

/** Numbers of a uniform law in (-bound, bound), a pure function of the seed. */
export function uniformNumbers(
  count: number,
  bound: number,
  seed: number,
  purpose = "init",
): Float32Array {
  const stream = new RandomStream(seed, purpose);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 4) {
    const block = stream.block(0, i / 4);
    for (let j = 0; j < 4 && i + j < count; j++) {
      out[i + j] = bound * (2 * (block[j] + 0.5) / 4294967296 - 1);
    }
  }
  return out;
}

/**
 * A transcoder: W_dec and W_skip zero, W_enc uniform within ±1/√dIn, `b_enc = -mean(x) W_encᵀ`, b_dec the centre of the
 * targets. The encoder gets no gradient in the first step. Source: architectures spec, section 9.
 */
export function initialTranscoder(
  { dSae, dIn, dOut, decoderBias, skip }: ModelOptions,
  seed: number,
  { bDec, meanInput }: StartFacts,
): InitialValues {
  const wEnc = uniformNumbers(dSae * dIn, 1 / Math.sqrt(dIn), seed);
  const mean = meanInput[0];
  const bEnc = Float32Array.from({ length: dSae }, (_, f) => {
    let sum = 0;
    for (let j = 0; j < dIn; j++) sum -= mean[j] * wEnc[f * dIn + j];
    return sum;
  });
  return new Map([
    ["W_enc", wEnc],
    ["b_enc", bEnc],
    ["W_dec", new Float32Array(dSae * dOut)],
    ...decoderBias ? [["b_dec", bDec[0].slice()] as const] : [],
    ...skip ? [["W_skip", new Float32Array(dOut * dIn)] as const] : [],
  ]);
}
