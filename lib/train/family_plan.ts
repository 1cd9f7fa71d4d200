/**
 * From a resolved configuration to the option groups of single families.
 * @module
 */
import { PARETO, type PrefixOptions } from "../blocks/decoders/prefix_plan.ts";
import type { ResolvedConfig } from "../config/types.ts";
import type { NtkByParts } from "../kernels/rope_rows.ts";
import type { AttentionSettings, ModelOptions } from "../models/types.ts";

/** Nested prefixes: fixed ones, or as many as are drawn in a step. */
function prefixesOf({ dictionary, seed }: ResolvedConfig): PrefixOptions | undefined {
  const { matryoshka_sampled: law, d_sae, include_bias_level: biasLevel = false } = dictionary;
  if (law === undefined) return undefined;
  if (law === "none") {
    const { matryoshka_widths: widths = [d_sae], matryoshka_weights: weights = [1] } = dictionary;
    return { widths, weights, biasLevel };
  }
  const count = dictionary.matryoshka_prefixes ?? 1;
  const levels = count + (biasLevel ? 1 : 0);
  return {
    // Only their number counts; the last is that of all latents.
    widths: Array.from({ length: count }, (_, i) => i < count - 1 ? i + 1 : d_sae),
    weights: Array(levels).fill(1 / levels),
    biasLevel,
    drawn: { ...PARETO, name: law, seed },
  };
}

/** What `lorsa_init` takes from the model's own attention. */
const STARTS = { default: undefined, mhsa: "queries", active_subspace: "all" } as const;

/** Frequencies by parts; what is left out is Llama 3.1's. */
function byPartsOf(dictionary: ResolvedConfig["dictionary"]): NtkByParts {
  return {
    factor: dictionary.ntk_factor ?? 8,
    lowFreqFactor: dictionary.ntk_low_freq_factor ?? 1,
    highFreqFactor: dictionary.ntk_high_freq_factor ?? 4,
    oldContext: dictionary.ntk_old_context ?? 8192,
  };
}

/** Attention heads, for the family that has them. */
function attentionOf({ dictionary }: ResolvedConfig): AttentionSettings | undefined {
  const { n_qk_heads: heads, d_qk_head: width, rotary_dim: dim } = dictionary;
  if (heads === undefined || width === undefined) return undefined;
  const start = STARTS[dictionary.lorsa_init ?? "default"];
  return {
    heads,
    width,
    scale: dictionary.attn_scale ?? Math.sqrt(width),
    ...(dim !== undefined && {
      rotary: {
        dim,
        base: dictionary.rotary_base ?? 10000,
        adjacentPairs: dictionary.rotary_adjacent_pairs ?? false,
        copies: dictionary.rotary_scale ?? 1,
        ...(dictionary.rotary_scaling === "by_parts" && { ntk: byPartsOf(dictionary) }),
      },
    }),
    norms: dictionary.use_post_qk_ln ?? false,
    eps: dictionary.qk_ln_eps ?? 1e-6,
    ...(start && { start }),
  };
}

/** Options of single families; groups that the family does not read are absent. */
export function familyPlan(
  config: ResolvedConfig,
): Pick<ModelOptions, "prefixes" | "screen" | "pursuit" | "attention" | "keys"> & {
  multiTopk: boolean;
} {
  const { dictionary } = config;
  const prefixes = prefixesOf(config);
  const attention = attentionOf(config);
  const { pursuit_mode: mode } = dictionary;
  return {
    multiTopk: dictionary.multi_topk ?? false,
    ...(dictionary.selection === "screened" && {
      screen: { dims: dictionary.screen_dims ?? 4, factor: dictionary.screen_factor ?? 4 },
    }),
    ...(prefixes && { prefixes }),
    ...(attention && { attention }),
    ...(dictionary.encoder === "pkm" && {
      keys: {
        m1: dictionary.pkm_m1,
        heads: dictionary.pkm_heads ?? 1,
        bias: dictionary.pkm_bias ?? false,
      },
    }),
    ...(mode && {
      pursuit: {
        mode,
        maxIterations: dictionary.max_iterations ?? 0,
        residualThreshold: dictionary.residual_threshold ?? 0,
        stopOnDuplicateSupport: dictionary.stop_on_duplicate_support ?? false,
        relu: true,
        normaliseOnAccess: false,
      },
    }),
  };
}
