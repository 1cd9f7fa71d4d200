/**
 * Product keys as the encoder of a model: parameters `W_keys`, `b_keys`, and `b_latent` where latents have a bias each;
 * their first values; and the dense encoder that they stand for. Source: architectures spec, section 8.
 * @module
 */
import { SdmError } from "../../base/errors.ts";
import { pkmCoder } from "../../blocks/coders/pkm.ts";
import { planKeyGrid } from "../../blocks/coders/pkm_plan.ts";
import { createParameter } from "../../blocks/types.ts";
import type { KeyGrid } from "../../kernels/pkm_select.ts";
import type { PartsContext } from "../assembly.ts";
import { uniformNumbers } from "../initial.ts";
import type { DictionaryRecord } from "../record.ts";
import type { InitialValues, ModelOptions, StartFacts } from "../types.ts";
import type { EncoderPart } from "./types.ts";

/** The grid of a model. */
export function gridOf({ dSae, keys }: Pick<ModelOptions, "dSae" | "keys">): KeyGrid {
  return planKeyGrid(dSae, keys?.heads, keys?.m1);
}

function coder({ gpu, options, space, inputBias }: PartsContext) {
  const { activation, dIn, dSae, gateByDecoderNorm, k, kMax, keys, multiTopk } = options;
  const grid = gridOf(options);
  const refuse = (found: string, needed: string) => {
    throw new SdmError(`Cannot build product keys: ${found}, ${needed}`);
  };
  if (activation !== "topk") refuse(`the activation is "${activation}"`, '"topk" is needed');
  if (gateByDecoderNorm) {
    refuse("the gate looks at decoder norms", "sub-keys know nothing of single latents");
  }
  if (grid.heads > k) refuse(`k is ${k} for ${grid.heads} heads`, "each head finds k / heads");
  const count = grid.heads * (grid.m1 + grid.m2);
  return pkmCoder(gpu, space, {
    grid,
    keys: createParameter(gpu, "W_keys", count, dIn),
    keyBias: createParameter(gpu, "b_keys", 1, count, { decays: false }),
    latentBias: keys?.bias
      ? createParameter(gpu, "b_latent", 1, dSae, { decays: false })
      : undefined,
    inputBias,
    kMax,
    codes: [{ times: 1, weight: 1 }, ...multiTopk ? [{ times: 4, weight: 1 / 8 }] : []],
  });
}

/**
 * Rows and biases of latents: `U[i1] + V[i2]`, `β_u[i1] + β_v[i2] (+ b)`. Of one head they are the encoder, exactly;
 * those of several add up to what the latent scores when all heads propose it.
 * @param keys [heads · (m1 + m2), d]
 * @param keyBias [heads · (m1 + m2)]
 * @param latentBias [latents], which every head adds
 */
export function expandKeys(
  { m1, m2, latents, heads }: KeyGrid,
  keys: Float32Array,
  keyBias: Float32Array,
  latentBias?: Float32Array,
): { wEnc: Float32Array; bEnc: Float32Array } {
  const d = keys.length / keyBias.length;
  const wEnc = new Float32Array(latents * d);
  const bEnc = new Float32Array(latents);
  const row = new Float64Array(d);
  for (let f = 0; f < latents; f++) {
    row.fill(0);
    let bias = 0;
    for (let h = 0; h < heads; h++) {
      const first = h * (m1 + m2) + Math.floor(f / m2);
      const second = h * (m1 + m2) + m1 + f % m2;
      bias += keyBias[first] + keyBias[second] + (latentBias?.[f] ?? 0);
      for (let j = 0; j < d; j++) row[j] += keys[first * d + j] + keys[second * d + j];
    }
    wEnc.set(row, f * d);
    bEnc[f] = bias;
  }
  return { wEnc, bEnc };
}

/** Rows [n, d] at the given length; zero rows stay. */
function withLength(rows: Float32Array, d: number, length: number): Float32Array {
  for (let first = 0; first < rows.length; first += d) {
    const row = rows.subarray(first, first + d);
    const norm = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    if (norm > 0) row.forEach((v, j) => row[j] = v * length / norm);
  }
  return rows;
}

/**
 * Sub-keys uniform within ±1/(4 √dIn), biases zero; the decoder's rows those of the encoder at their length for an
 * autoencoder, zero for a transcoder, whose skip matrix is zero as well.
 */
function initial(
  options: ModelOptions,
  seed: number,
  facts: StartFacts,
): InitialValues {
  const { dIn, dOut, dSae, kind, decoderBias, decoderInitNorm, skip } = options;
  const grid = gridOf(options);
  const count = grid.heads * (grid.m1 + grid.m2);
  const keys = uniformNumbers(count * dIn, 1 / (4 * Math.sqrt(dIn)), seed, "sub-keys");
  const keyBias = new Float32Array(count);
  return new Map([
    ["W_keys", keys],
    ["b_keys", keyBias],
    ...options.keys?.bias ? [["b_latent", new Float32Array(dSae)] as const] : [],
    [
      "W_dec",
      kind === "sae"
        ? withLength(expandKeys(grid, keys, keyBias).wEnc, dIn, decoderInitNorm)
        : new Float32Array(dSae * dOut),
    ],
    ...decoderBias ? [["b_dec", facts.bDec[0].slice()] as const] : [],
    ...skip ? [["W_skip", new Float32Array(dOut * dIn)] as const] : [],
  ]);
}

/** One head is a dense encoder; several are kept as they are. */
function fields(options: ModelOptions, values: InitialValues): Partial<DictionaryRecord> {
  const grid = gridOf(options);
  const [keys, keyBias] = ["W_keys", "b_keys"].map((name) => values.get(name) as Float32Array);
  const latentBias = values.get("b_latent");
  if (grid.heads === 1) return expandKeys(grid, keys, keyBias, latentBias);
  const { m1, m2, heads } = grid;
  return {
    wEnc: expandKeys(grid, keys, keyBias).wEnc,
    bEnc: latentBias ?? new Float32Array(options.dSae),
    activation: { name: "product_keys", k: options.k, heads, m1, m2, keys, keyBias },
  };
}

/** The encoder. */
export const productKeys: EncoderPart = { coder, initial, fields };
