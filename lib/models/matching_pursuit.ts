/**
 * The matching-pursuit autoencoder: rows are decomposed greedily over one matrix, which is encoder and decoder.
 * Rows of unit length by default, so that every pick takes off a projection. The decoder's gradient comes from the way
 * back through the picks, with the encoder's. Source: architectures spec, section 7.
 * @module
 */
import { type PursuitCoder, pursuitCoder } from "../blocks/coders/pursuit.ts";
import { rowsDecoder } from "../blocks/decoders/rows.ts";
import type { Decoder } from "../blocks/types.ts";
import type { Parts, PartsContext } from "./assembly.ts";
import { defineFamily } from "./family.ts";
import { randomDirections } from "./initial.ts";
import type { DictionaryRecord } from "./record.ts";
import type { InitialValues, ModelFamily, ModelOptions, PursuitSettings } from "./types.ts";

/** k picks of positive scores. */
const STATIC: PursuitSettings = {
  mode: "static",
  maxIterations: 0,
  residualThreshold: 0,
  stopOnDuplicateSupport: false,
  relu: true,
  normaliseOnAccess: false,
};

function settingsOf({ pursuit = STATIC, k, kMax }: ModelOptions) {
  const still = pursuit.mode === "static";
  return {
    ...pursuit,
    residualThreshold: still ? 0 : pursuit.residualThreshold,
    stopOnDuplicateSupport: !still && pursuit.stopOnDuplicateSupport,
    room: still ? kMax : pursuit.maxIterations,
    final: still ? k : pursuit.maxIterations,
  };
}

/** Plain rows as the coder uses them; all gradients of W_dec are the coder's. */
function pursuitDecoder(
  { gpu, space, wDec, bDec, loss }: PartsContext,
  rows: PursuitCoder["rows"],
) {
  const plain = rowsDecoder(gpu, space, { wDec: { ...wDec, value: rows }, bDec, loss });
  return {
    ...plain,
    parameters: bDec ? [wDec, bDec] : [wDec],
    codeGradient: () => [],
    gradient: () => [],
  } satisfies Decoder;
}

function parts(options: ModelOptions): Partial<Parts> {
  const { room, ...settings } = settingsOf(options);
  let made: PursuitCoder | undefined;
  return {
    coder({ gpu, space, wDec, inputBias }) {
      made = pursuitCoder(gpu, space, { ...settings, wDec, inputBias, iterations: room });
      return made;
    },
    decoder(context) {
      return pursuitDecoder(context, made?.rows ?? context.wDec.value);
    },
  };
}

/** Rows of `w` [n, d] divided by their lengths; zero rows stay. */
function unitRows(w: Float32Array, d: number): Float32Array {
  const out = w.slice();
  for (let first = 0; first < out.length; first += d) {
    const row = out.subarray(first, first + d);
    const norm = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    if (norm > 0) row.forEach((v, i) => row[i] = v / norm);
  }
  return out;
}

function record(options: ModelOptions, values: InitialValues): DictionaryRecord {
  const { dIn, dOut, dSae } = options;
  const settings = settingsOf(options);
  const trained = values.get("W_dec") as Float32Array;
  const wDec = settings.normaliseOnAccess ? unitRows(trained, dOut) : trained;
  return {
    kind: "sae",
    dIn,
    dOut,
    dSae,
    wEnc: wDec,
    bEnc: new Float32Array(dSae),
    wDec,
    bDec: values.get("b_dec") ?? new Float32Array(dOut),
    subtractBDec: options.inputBias && options.decoderBias,
    gateByDecoderNorm: false,
    activation: {
      name: "matching_pursuit",
      iterations: settings.final,
      residualThreshold: settings.residualThreshold,
      stopOnDuplicateSupport: settings.stopOnDuplicateSupport,
      relu: settings.relu,
    },
  };
}

/** The matching-pursuit family. */
export const matchingPursuit: ModelFamily = defineFamily({
  type: "matching_pursuit",
  doc:
    "Latents are picked one after the other by what is left of a row; one matrix encodes and decodes",
  formula:
    "r_0 = x - b_dec; j = argmax r W_decᵀ, v = ReLU(r · W_dec[j]), f_j += v, r -= v W_dec[j], again and again; ŷ = x - r; L = mean ‖r‖²",
  source:
    "Costa et al. (2025), From flat to hierarchical: extracting sparse representations with matching pursuit. Dynamic stops are those of SAELens, the fixed number of picks that of overcomplete; the gradient goes back through all picks.",
  defaults: { loss: "sum_mean" },
  initial: ({ dSae, dOut, decoderBias, decoderInitNorm }, seed, facts) =>
    new Map([
      ["W_dec", randomDirections(dSae, dOut, decoderInitNorm, seed)],
      ...decoderBias ? [["b_dec", facts.bDec[0].slice()] as const] : [],
    ]),
  parts,
  record,
});
