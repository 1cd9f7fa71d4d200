/**
 * Low-rank sparse attention: what attention adds to the stream is reconstructed from what it reads, by latents that read
 * and write one direction each and share the attention patterns of a few heads. Source: architectures spec, section 11.
 * @module
 */
import { attentionEncoder } from "../blocks/encoders/attention.ts";
import { type Coder, createParameter } from "../blocks/types.ts";
import { activationOf } from "./activations/mod.ts";
import type { PartsContext } from "./assembly.ts";
import { defineFamily } from "./family.ts";
import { fromAttention, inActiveSubspace, lorsaInitial } from "./lorsa_init.ts";
import type { LorsaRecord } from "./record.ts";
import type {
  AttentionSettings,
  InitialValues,
  ModelFamily,
  ModelOptions,
  StartFacts,
} from "./types.ts";

/** Rows of the sample that directions are made from, at most: more change them little and take long. */
const MOST_ROWS = 4096;

/** Eps of the norms of queries and keys: Qwen3's. */
const EPS = 1e-6;

/** Largest divisor of `of` that is a multiple of 4 and at most 64; 4 where there is none. */
function usualWidth(of: number): number {
  for (let width = 64; width > 4; width -= 4) if (of % width === 0) return width;
  return 4;
}

/** Heads of a model whose options do not say. */
export function usualAttention({ dIn, dSae }: Pick<ModelOptions, "dIn" | "dSae">) {
  const width = usualWidth(dIn);
  let heads = Math.max(1, Math.floor(dIn / width));
  while (dSae % heads !== 0) heads--;
  return {
    heads,
    width,
    scale: Math.sqrt(width),
    rotary: { dim: width, base: 10000, adjacentPairs: false, copies: 1 },
    norms: false,
    eps: EPS,
  } satisfies AttentionSettings;
}

function attentionOf(options: ModelOptions): AttentionSettings {
  return options.attention ?? usualAttention(options);
}

function sizesOf(options: ModelOptions) {
  const { dIn, dOut, dSae } = options;
  const { heads, width, norms } = attentionOf(options);
  return { heads, width, norms, dIn, dOut, dSae };
}

/** The encoder with its parameters, under the gate of the options. */
function coderOf(context: PartsContext): Coder {
  const { gpu, options, space } = context;
  const { heads, width, scale, rotary, norms, eps } = attentionOf(options);
  const { dIn, dSae } = options;
  const matrix = (name: string, rows: number) => createParameter(gpu, name, rows, dIn);
  const vector = (name: string, count: number) =>
    createParameter(gpu, name, 1, count, { decays: false });
  const count = heads * width;
  const encoder = attentionEncoder(gpu, space, {
    heads,
    length: options.context,
    scale,
    rotary,
    eps,
    wQ: matrix("W_Q", count),
    bQ: vector("b_Q", count),
    wK: matrix("W_K", count),
    bK: vector("b_K", count),
    wV: matrix("W_V", dSae),
    bV: vector("b_V", dSae),
    lnQ: norms ? vector("ln_q", count) : undefined,
    lnK: norms ? vector("ln_k", count) : undefined,
  });
  return activationOf(options.activation).coder(context, encoder);
}

/** Rows of length 1. */
function unitRows(values: Float32Array, d: number): Float32Array {
  const out = values.slice();
  for (let at = 0; at < out.length; at += d) {
    const row = out.subarray(at, at + d);
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)) || 1;
    row.forEach((v, j) => row[j] = v / length);
  }
  return out;
}

/** At random, or from the model's own attention where the options ask for it. */
function initial(options: ModelOptions, seed: number, facts: StartFacts): InitialValues {
  const sizes = sizesOf(options);
  const { attention: source, sample, scales } = facts;
  const { start } = attentionOf(options);
  let values = lorsaInitial(sizes, seed);
  if (start && source) values = fromAttention(values, source, sizes, scales[0]);
  if (start === "all" && source) {
    const rows = sample.subarray(0, MOST_ROWS * options.dIn);
    values = inActiveSubspace(values, source, sizes, rows);
  }
  if (options.unitRows) {
    values.set("W_dec", unitRows(values.get("W_dec") as Float32Array, options.dOut));
  }
  if (options.decoderBias) values.set("b_dec", facts.bDec[0].slice());
  return values;
}

function record(
  options: ModelOptions,
  values: InitialValues,
  state?: ReadonlyMap<string, Float32Array>,
): LorsaRecord {
  const { heads, width, scale, rotary, eps } = attentionOf(options);
  const get = (name: string) => values.get(name) as Float32Array;
  const [lnQ, lnK] = [values.get("ln_q"), values.get("ln_k")];
  return {
    kind: "lorsa",
    dIn: options.dIn,
    dOut: options.dOut,
    dSae: options.dSae,
    context: options.context,
    heads,
    width,
    scale,
    ...rotary && { rotary },
    eps,
    wQ: get("W_Q"),
    bQ: get("b_Q"),
    wK: get("W_K"),
    bK: get("b_K"),
    wV: get("W_V"),
    bV: get("b_V"),
    ...lnQ && lnK && { lnQ, lnK },
    wDec: get("W_dec"),
    bDec: values.get("b_dec") ?? new Float32Array(options.dOut),
    gateByDecoderNorm: options.gateByDecoderNorm,
    activation: activationOf(options.activation).record(options, values, state),
  };
}

/** The family of low-rank sparse attention. */
export const lorsa: ModelFamily = defineFamily({
  type: "lorsa",
  doc:
    "Attention as latents that read and write one direction each and share the patterns of a few heads",
  formula:
    "q = x W_Q, k = x W_K a head, A = softmax(q kᵀ / scale) over tokens up to t; h_t,i = Σ_{t' ≤ t} A_tt' (x_t' W_V[i] + b_V[i]); ŷ = f W_O + b_dec; L = FVU + AuxK / 32, or mean ‖y - ŷ‖² + penalty",
  source:
    "He et al. (2025), Towards understanding the nature of attention with low-rank sparse decomposition, and Llamascopium, its program. Biases of queries and keys are taken over from the model too.",
  needs: { target: "other", layers: false, sequences: true },
  defaults: {
    kind: "lorsa",
    activation: "topk",
    inputBias: false,
    unitRows: false,
    gateByDecoderNorm: true,
    context: 8,
  },
  initial,
  parts: { coder: coderOf },
  record,
});
