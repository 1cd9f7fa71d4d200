/**
 * What the page of families says beside its tables. Numbers come from the code that they are true of.
 * @module
 */
import { formatBytes } from "../base/format.ts";
import { ATTENTION_BUDGET } from "../blocks/encoders/attention_plan.ts";
import { GRAM_BUDGET, SCORE_BUDGET } from "../blocks/coders/pursuit_plan.ts";
import { CODE_BUDGET } from "../kernels/capacity.ts";

/** First words of the page. */
export const INTRODUCTION: readonly string[] = [
  "This page is made from the registry of families in `lib/models/` and the tables of keys in " +
  "`lib/config/`; a test compares them. `sdm doctor --json` lists the same.",
  "A family is `dictionary.type`. Where the type leaves it open, `dictionary.activation` says which " +
  "latents are active, and `dictionary.encoder` how they are scored. What a combination does not " +
  "read is refused, with the reason.",
];

/** What the letters of formulas stand for. */
export const LETTERS: readonly (readonly [string, string])[] = [
  ["x, y", "input and what is to be reconstructed; in an autoencoder y = x"],
  ["B, k", "rows of a batch; active latents a row"],
  [
    "h",
    "scores: `(x - b_dec) W_encᵀ + b_enc`, without `b_dec` where the output is another hookpoint",
  ],
  ["f", "latents, what `sdm encode` shows; never negative"],
  ["ŷ", "reconstruction: `f W_dec + b_dec`"],
  ["n_j", "length of decoder row j; of a clt, of all its decoder rows together"],
  ["θ, T", "thresholds: one a latent, one for all"],
  ["L", "what training makes small; FVU is `Σ‖y - ŷ‖² / Σ‖y - ȳ‖²` of the batch"],
  ["λ", "`l1_coefficient` or `l0_coefficient`"],
  [
    "AuxK / 32",
    "`auxk_coefficient`, 1/32 by default, times the loss of [dead latents](#dead-latents)",
  ],
];

/** Which gate goes with which family. */
export const GATES: readonly string[] = [
  "**D** is the default, **x** is possible. With several encoders, product keys (`pkm`) go with the " +
  "activation `topk`: they find the largest scores of a row without looking at the others.",
];

/** Latents that do not fire. */
export const DEAD: readonly string[] = [
  "A latent is dead when it has not fired for `dead_after_tokens` tokens; fired means a value above " +
  "zero. The counters belong to a checkpoint, and `sparsity/dead` is in the metrics of every family.",
  "- **AuxK** (`auxk_coefficient`, `k_aux`, `aux_select`): the dead latents with the largest scores " +
  "learn to reconstruct the error of the live ones. For selections by count that score every latent.",
  "- **A larger k at the start** (`k_start`): more latents get a gradient early. It is all that " +
  "product keys and a clt by count have.",
  "- **The pre-activation loss** (`pre_act_coefficient`): pulls scores up to their thresholds. For " +
  "JumpReLU on a dense encoder; `pre_act_scope` says whether for all latents or for the dead ones.",
  "- **Resampling** (`resample_every`): silent latents start anew from badly reconstructed rows. " +
  "For the types relu, jumprelu and gated; off unless asked for.",
];

/** Steering. */
export const TARGET: readonly string[] = [
  "Families under a penalty have no k. With `target_l0` the weight of the penalty is steered: L0 is " +
  "led on a course from where it begins to the target, and after every step the weight is multiplied " +
  "by what the distance from that course asks for. `sparsity/coefficient` in `metrics.jsonl` is its " +
  "course. Without `target_l0` the weight rises to `l1_coefficient` or `l0_coefficient` over " +
  "`sparsity_warm_up_steps` and stays there.",
  '`sparsity_penalty = "target_l0"` is something else: a loss `(L0 / target_l0 - 1)²` with a fixed ' +
  "weight, which trains thresholds.",
  "Compare families at equal L0: `k` here, `target_l0` there.",
];

/** Thresholds of selections over the batch. */
export const THRESHOLDS: readonly string[] = [
  "A selection over the batch needs a batch. So that a trained dictionary can take single rows, it " +
  "is saved with a threshold T: rows that come after those of the last step are scored, and T is the " +
  "value that k scores a row exceed on average. While training, `sparsity/threshold` follows the " +
  "K-th values of the batches (`threshold_ema`). Layers of a clt that select by themselves get a " +
  "threshold each, and the saved dictionary is a JumpReLU.",
  '`batchtopk_gate = "running_quantile"` and `"control"` use a threshold in training too: the ' +
  "average of the K-th values so far, or one that moves by how far L0 is from k.",
  "`sdm convert RUN --to jumprelu --out FOLDER` measures thresholds on held-out text and writes a " +
  "dictionary that selects by count as a JumpReLU; one of scores times decoder lengths needs no " +
  "decoder any more to say which latents are active. Gated dictionaries are saved as the JumpReLU " +
  "that is the same function.",
];

/** Screened selections. */
export const SCREENED: readonly string[] = [
  "Nearly all work of a step goes into scores of which all but k a row are thrown away. With " +
  "`selection` screened (activation topk over a dense encoder) rows and encoder are first " +
  "multiplied with the `screen_dims` leading principal axes of the activations, found at the start " +
  "and kept in checkpoints; the `screen_factor` · k best latents of a row along these axes are " +
  "scored exactly, and the k best of them are its code. Values, gradients and what is saved are " +
  "those of an ordinary dictionary, which is evaluated and run with the exact selection.",
  "A latent that is no candidate is missed. `sparsity/screen_recall`, also on the line of progress, is " +
  "the share of the exact selection that was found, counted on the first 64 rows of every batch. What " +
  "it costs in FVU and what it saves in time is measured in [performance](performance.md).",
];

/** Memory. */
export const MEMORY: readonly string[] = [
  "The scores of a batch, rows by latents, are never stored whole: a panel of up to 1024 latents is " +
  "scored, what can still be active is kept, and the next panel takes its place. Gradients come from " +
  "the active entries alone. What grows with a choice:",
  `- **Lists of rows** (relu, jumprelu, gated, and before the choice batchtopk). Nothing bounds how ` +
  `many latents of a row are active, so a row has room for a number of entries: for all latents ` +
  `where that fits ${
    formatBytes(CODE_BUDGET)
  } and one buffer binding, else for as many as fit. A ` +
  "row that would need more keeps its largest values, and `sparsity/capped_rows` counts such rows; " +
  "it should be 0 soon after the start of a run.",
  `- **Matching pursuit** has two equal forms. The residual form scores panels again for every pick. ` +
  `The Gram form scores once and needs the products of all pairs of latents, at most ` +
  `${formatBytes(GRAM_BUDGET)}, and the scores of some rows against all latents, at most ` +
  `${
    formatBytes(SCORE_BUDGET)
  }: the only dense rows by latents that there are. The cheaper one of ` +
  "those that fit is taken.",
  "- **Product keys** store the scores of the sub-keys, rows by m1 + m2 a head, and never those of " +
  "the latents.",
  "- **Matryoshka** decodes all prefixes in one pass and stores one residual a prefix.",
  "- **A clt** with L layers has L (L + 1) / 2 decoders; the code of all layers is stored once.",
  `- **Lorsa** stores attention patterns of some heads at a time, ${
    formatBytes(ATTENTION_BUDGET)
  } ` +
  "or those of one head; where they do not all fit they are made again on the way back.",
];
