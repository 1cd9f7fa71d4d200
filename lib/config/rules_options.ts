/**
 * The table of keys for penalties and thresholds, and of those of single families: when they are read, what they may be,
 * what holds when they are left out.
 * @module
 */
import { PENALISED } from "./families.ts";
import type { KeyRule, RuleTable } from "./rule.ts";

const SIZE = ["l1", "lp_norm", "lp"];
const NUMBER = ["tanh", "tanh_quad", "l0", "target_l0"];
const TANH = ["tanh", "tanh_quad"];
const JUMPRELU: KeyRule = {
  when: [{ activation: ["jumprelu"] }],
  because: "only thresholds (activation jumprelu) have it",
};
const PRE_ACT: KeyRule = {
  when: [{ activation: ["jumprelu"], encoder: ["dense"] }],
  because: "only thresholds over a dense encoder have the pre-activation loss",
};
const P_NORM: KeyRule = {
  when: [{ sparsity_penalty: ["lp_norm", "lp"] }],
  because: "only the penalties lp_norm and lp have an exponent",
};
const NESTED: KeyRule = {
  when: [{ type: ["matryoshka"], matryoshka_sampled: ["none"] }],
  because: "only a matryoshka with fixed widths has it",
};
const PKM: KeyRule = {
  when: [{ encoder: ["pkm"] }],
  because: "only product keys (encoder pkm) have it",
};
const LORSA: KeyRule = { when: [{ type: ["lorsa"] }], because: "only lorsa has attention heads" };
const ROTARY: KeyRule = {
  when: [{ type: ["lorsa"], positional_embedding: ["rotary"] }],
  because: "only lorsa with a rotary embedding rotates",
};

const BY_PARTS: KeyRule = {
  when: [{ type: ["lorsa"], rotary_scaling: ["by_parts"] }],
  because: 'only frequencies by parts have it (rotary_scaling = "by_parts")',
};

/** Rules of penalties, thresholds and single families. */
export const OPTION_RULES: RuleTable = {
  "dictionary.sparsity_penalty": {
    when: [{ activation: PENALISED }],
    because: "selections by count and pursuits need no penalty",
    defaults: [{ if: { activation: ["jumprelu"] }, value: "tanh" }, { value: "l1" }],
    allowed: [
      {
        if: { activation: ["relu"] },
        values: [...SIZE, ...TANH],
        because: "l0 and target_l0 train thresholds, which only jumprelu has",
      },
      {
        if: { activation: ["jumprelu"] },
        values: NUMBER,
        because: "thresholds do not shrink what passes them",
      },
      {
        if: { activation: ["gated"] },
        values: ["l1"],
        because: "the penalty of a gate is that of Rajamanoharan et al.",
      },
    ],
  },
  "dictionary.init_b_enc": {
    when: [{ activation: ["jumprelu"], encoder: ["dense"] }],
    because: "only thresholds over a dense encoder can be set to a wanted share of rows",
    neutral: ["zero"],
    defaults: [{ if: { sparsity_penalty: TANH }, value: "quantile" }, { value: "zero" }],
  },
  "dictionary.l1_coefficient": {
    when: [{ sparsity_penalty: SIZE }],
    because: "only penalties on the size of latents have it (l1, lp_norm, lp)",
    neutral: [0],
    defaults: [{ if: { activation: ["gated"] }, value: 1 }, { value: 5 }],
  },
  "dictionary.l0_coefficient": {
    when: [{ sparsity_penalty: NUMBER }],
    because: "only penalties on the number of latents have it (tanh, tanh_quad, l0, target_l0)",
    neutral: [0],
    defaults: [
      { if: { sparsity_penalty: ["tanh"] }, value: 10 },
      { if: { sparsity_penalty: ["tanh_quad"] }, value: 0.3 },
      { value: 1 },
    ],
  },
  "dictionary.lp_norm": { ...P_NORM, neutral: [1], defaults: [{ value: 1 }] },
  "dictionary.p_end": P_NORM,
  "dictionary.p_anneal_start": P_NORM,
  "dictionary.p_anneal_updates": { ...P_NORM, defaults: [{ value: 10 }] },
  "dictionary.tanh_c": {
    when: [{ sparsity_penalty: TANH }],
    because: "only the penalties tanh and tanh_quad have it",
    defaults: [{ value: 4 }],
  },
  "dictionary.frequency_scale": {
    when: [{ sparsity_penalty: ["tanh_quad"] }],
    because: "only the penalty tanh_quad looks at frequencies",
    defaults: [{ value: 0.01 }],
  },
  "dictionary.pre_act_coefficient": {
    ...PRE_ACT,
    neutral: [0],
    defaults: [{ if: { sparsity_penalty: TANH }, value: 3e-6 }, { value: 0 }],
  },
  "dictionary.pre_act_scope": { ...PRE_ACT, defaults: [{ value: "all" }] },
  "dictionary.sparsity_warm_up_steps": {
    when: [{ activation: PENALISED }],
    because: "selections by count and pursuits need no penalty",
  },
  "dictionary.target_l0": {
    when: [{ activation: PENALISED }],
    because: "selections by count have exactly k active latents, give k",
  },
  "dictionary.jumprelu_bandwidth": {
    ...JUMPRELU,
    defaults: [{ if: { sparsity_penalty: TANH }, value: 2 }],
  },
  "dictionary.jumprelu_init_threshold": {
    ...JUMPRELU,
    defaults: [{ if: { sparsity_penalty: TANH }, value: 0.1 }],
  },
  "dictionary.jumprelu_threshold": { ...JUMPRELU, defaults: [{ value: "raw" }] },
  "dictionary.ste_to_input": { ...JUMPRELU, neutral: [false], defaults: [{ value: false }] },
  "dictionary.threshold_lr_factor": { ...JUMPRELU, defaults: [{ value: 1 }] },
  "dictionary.matryoshka_sampled": {
    when: [{ type: ["matryoshka"] }],
    because: "only a matryoshka is nested",
    neutral: ["none"],
    defaults: [{ value: "none" }],
  },
  "dictionary.matryoshka_widths": NESTED,
  "dictionary.matryoshka_fractions": NESTED,
  "dictionary.matryoshka_weights": NESTED,
  "dictionary.matryoshka_prefixes": {
    when: [{ type: ["matryoshka"], matryoshka_sampled: ["pareto", "uniform"] }],
    because: "only a matryoshka whose widths are drawn has it",
    defaults: [{ if: { matryoshka_sampled: ["uniform"] }, value: 2 }, { value: 10 }],
  },
  "dictionary.include_bias_level": {
    when: [{ type: ["matryoshka"] }],
    because: "only a matryoshka is nested",
    neutral: [false],
    defaults: [{ value: false }],
  },
  "dictionary.pkm_heads": { ...PKM, defaults: [{ value: 1 }] },
  "dictionary.pkm_m1": PKM,
  "dictionary.pkm_bias": { ...PKM, neutral: [false], defaults: [{ value: false }] },
  "dictionary.n_qk_heads": LORSA,
  "dictionary.d_qk_head": LORSA,
  "dictionary.positional_embedding": { ...LORSA, defaults: [{ value: "rotary" }] },
  "dictionary.rotary_dim": ROTARY,
  "dictionary.rotary_base": { ...ROTARY, defaults: [{ value: 10000 }] },
  "dictionary.rotary_adjacent_pairs": { ...ROTARY, neutral: [false], defaults: [{ value: false }] },
  "dictionary.rotary_scale": { ...ROTARY, neutral: [1], defaults: [{ value: 1 }] },
  "dictionary.rotary_scaling": { ...ROTARY, neutral: ["none"], defaults: [{ value: "none" }] },
  "dictionary.ntk_factor": { ...BY_PARTS, defaults: [{ value: 8 }] },
  "dictionary.ntk_low_freq_factor": { ...BY_PARTS, defaults: [{ value: 1 }] },
  "dictionary.ntk_high_freq_factor": { ...BY_PARTS, defaults: [{ value: 4 }] },
  "dictionary.ntk_old_context": { ...BY_PARTS, defaults: [{ value: 8192 }] },
  "dictionary.use_post_qk_ln": { ...LORSA, neutral: [false], defaults: [{ value: false }] },
  "dictionary.qk_ln_eps": {
    when: [{ type: ["lorsa"], use_post_qk_ln: [true] }],
    because: "only norms of queries and keys have it (use_post_qk_ln = true)",
    defaults: [{ value: 1e-6 }],
  },
  "dictionary.attn_scale": LORSA,
  "dictionary.lorsa_init": { ...LORSA, defaults: [{ value: "default" }] },
};
