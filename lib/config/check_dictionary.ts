/**
 * Checks of numbers that belong together within a family. What a family reads at all, `rules.ts` says.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { BATCH_SELECTIONS } from "./families.ts";
import { sourceName } from "./shown.ts";
import type { Config, DictionaryConfig } from "./types.ts";

/** Throws the error for what was found in `source`. */
export function refuse(source: string, found: string, hint?: string): never {
  throw new SdmError(`Cannot use ${sourceName(source)}: ${found}`, { hint });
}

/** Refuses numbers that contradict each other, as far as that can be seen without widths. */
export function checkDictionary({ dictionary }: Config, source: string): void {
  checkAnnealing(dictionary, source);
  checkMatryoshka(dictionary, source);
  const { sparsity_penalty, target_l0, lp_norm = 1, p_end } = dictionary;
  if (sparsity_penalty === "target_l0" && target_l0 === undefined) {
    refuse(source, 'dictionary.sparsity_penalty is "target_l0", dictionary.target_l0 is needed');
  }
  if (p_end !== undefined && p_end >= lp_norm) {
    refuse(source, `dictionary.p_end is ${p_end} and lp_norm ${lp_norm}, p_end must be smaller`);
  }
  const { rotary_dim, rotary_scale = 1, d_qk_head } = dictionary;
  if (d_qk_head !== undefined && d_qk_head % 4 !== 0) {
    refuse(source, `dictionary.d_qk_head is ${d_qk_head}, a multiple of 4 is needed`);
  }
  if (rotary_dim !== undefined && rotary_dim % 2 !== 0) {
    refuse(source, `dictionary.rotary_dim is ${rotary_dim}, dimensions are rotated in pairs`);
  }
  if (
    rotary_dim !== undefined && d_qk_head !== undefined && rotary_dim > d_qk_head * rotary_scale
  ) {
    refuse(
      source,
      `dictionary.rotary_dim is ${rotary_dim} and d_qk_head ${d_qk_head}, at most all`,
    );
  }
  const { ntk_low_freq_factor: low, ntk_high_freq_factor: high } = dictionary;
  if (low !== undefined && high !== undefined && low >= high) {
    refuse(
      source,
      `dictionary.ntk_low_freq_factor is ${low} and ntk_high_freq_factor ${high}, a larger one is ` +
        "needed: short waves are shorter",
    );
  }
}

function checkAnnealing(dictionary: DictionaryConfig, source: string): void {
  const { activation, k, k_start, k_anneal_steps } = dictionary;
  if (k === undefined) return;
  const batch = activation !== undefined && BATCH_SELECTIONS.includes(activation);
  if (!batch && !Number.isInteger(k)) {
    refuse(
      source,
      `dictionary.k is ${k} with activation "${activation}", a whole number is needed`,
      'a fraction is possible with a selection over the batch: dictionary.type = "batchtopk"',
    );
  }
  if (k_start !== undefined && k_start < k) {
    refuse(source, `dictionary.k_start is ${k_start} and k is ${k}, k_start must be at least k`);
  }
  if (k_anneal_steps && k_start === undefined) {
    refuse(source, `dictionary.k_anneal_steps is ${k_anneal_steps}, dictionary.k_start is needed`);
  }
}

function checkMatryoshka(dictionary: DictionaryConfig, source: string): void {
  const { matryoshka_widths: widths, matryoshka_fractions: fractions } = dictionary;
  if (widths && fractions) {
    refuse(
      source,
      "both dictionary.matryoshka_widths and matryoshka_fractions are given, one is needed",
    );
  }
  const list = widths ?? fractions;
  const name = widths ? "matryoshka_widths" : "matryoshka_fractions";
  const step = list?.findIndex((value, i) => i > 0 && value <= list[i - 1]) ?? -1;
  if (step > 0) {
    refuse(
      source,
      `dictionary.${name} has ${list![step]} after ${
        list![step - 1]
      }, ascending numbers are needed`,
      "each is the number of latents from the first on, not that of a block",
    );
  }
}

/** Refuses axes that cannot be. */
export function checkScreen({ screen_dims, d_in }: DictionaryConfig, source: string): void {
  if (screen_dims === undefined || d_in === undefined) return;
  const most = 4 * Math.ceil(d_in / 4);
  if (screen_dims % 4 === 0 && screen_dims <= most) return;
  refuse(
    source,
    `dictionary.screen_dims is ${screen_dims} and d_in is ${d_in}, a multiple of 4 of at most ` +
      `${most} is needed`,
  );
}

/** Number of latents that selections choose among: layer selections look at all layers. */
function latentsOfChoice({ activation, n_layers }: DictionaryConfig, dSae: number): number {
  const all = activation === "layertopk" || activation === "batchlayertopk";
  return all ? dSae * (n_layers ?? Infinity) : dSae;
}

/** Product keys of a side at most. */
const MOST_KEYS = 65535;

/** Refuses numbers that do not fit the number of latents. */
export function checkCounts(dictionary: DictionaryConfig, dSae: number, source: string): void {
  const most = latentsOfChoice(dictionary, dSae);
  for (const name of ["k", "k_start", "k_aux", "target_l0"] as const) {
    const value = dictionary[name];
    if (value !== undefined && value > (name === "k_aux" ? dSae : most)) {
      refuse(
        source,
        `dictionary.${name} is ${value} and d_sae is ${dSae}, at most d_sae latents can be active`,
      );
    }
  }
  const { activation, k, n_qk_heads, pkm_m1, pkm_heads = 1 } = dictionary;
  if (activation === "groupmax" && dSae % k! !== 0) {
    refuse(source, `dictionary.k is ${k} and d_sae is ${dSae}, groupmax needs k equal groups`);
  }
  if (n_qk_heads !== undefined && dSae % n_qk_heads !== 0) {
    refuse(
      source,
      `dictionary.n_qk_heads is ${n_qk_heads} and d_sae is ${dSae}, a multiple of it is needed`,
    );
  }
  if (pkm_m1 !== undefined && (pkm_m1 > dSae || dSae > MOST_KEYS * pkm_m1)) {
    refuse(
      source,
      `dictionary.pkm_m1 is ${pkm_m1} and d_sae is ${dSae}, at most d_sae is possible, and d_sae / ` +
        `pkm_m1 at most ${MOST_KEYS}`,
    );
  }
  if (pkm_heads > 1 && k! < pkm_heads) {
    refuse(source, `dictionary.pkm_heads is ${pkm_heads} and k is ${k}, each head finds k / heads`);
  }
  const last = dictionary.matryoshka_widths?.at(-1);
  if (last !== undefined && last > dSae) {
    refuse(source, `dictionary.matryoshka_widths has ${last} and d_sae is ${dSae}, at most d_sae`);
  }
}

/** Cumulative widths of the nested dictionaries, d_sae the last; undefined for families that are not nested. */
export function nestedWidths(dictionary: DictionaryConfig, dSae: number): number[] | undefined {
  if (dictionary.type !== "matryoshka" || dictionary.matryoshka_sampled !== "none") {
    return undefined;
  }
  const { matryoshka_widths, matryoshka_fractions = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1] } = dictionary;
  const widths = matryoshka_widths ??
    matryoshka_fractions.map((share) => Math.max(1, Math.round(share * dSae)));
  return [...new Set([...widths, dSae])];
}

/**
 * Weights of the nested dictionaries' losses, in the order of their widths, that of the bias level first.
 * @throws SdmError when their number is another
 */
export function nestedWeights(
  dictionary: DictionaryConfig,
  levels: number,
  source: string,
): number[] {
  const { matryoshka_weights: given, include_bias_level } = dictionary;
  const needed = levels + (include_bias_level ? 1 : 0);
  if (given && given.length !== needed) {
    refuse(
      source,
      `dictionary.matryoshka_weights has ${given.length} numbers, ${needed} are needed, ` +
        `one a nested dictionary${include_bias_level ? ", that of the bias level first" : ""}`,
    );
  }
  return given ?? Array(needed).fill(1 / needed);
}
