/**
 * The table of keys that depend on the family: when they are read, what they may be, what holds when they are left out.
 * @module
 */
import {
  AUTOENCODERS,
  BATCH_SELECTIONS,
  FAMILIES,
  PENALISED,
  SELECTIONS,
  TRANSCODERS,
} from "./families.ts";
import { ENCODERS, NORMALIZATIONS, TYPES } from "./names.ts";
import type { KeyRule, RuleTable } from "./rule.ts";
import { OPTION_RULES } from "./rules_options.ts";

const WITHOUT_PURSUIT = TYPES.filter((type) => type !== "matching_pursuit");
const ANNEALED: KeyRule = {
  when: [{ activation: SELECTIONS.filter((name) => name !== "groupmax") }],
  because: "only selections by count can begin with another k (groupmax has k groups of latents)",
};
const DYNAMIC: KeyRule = {
  when: [{ pursuit_mode: ["dynamic"] }],
  because:
    'only a dynamic pursuit stops by itself (pursuit_mode = "dynamic"), a static one makes k iterations',
};
const AUXK: KeyRule = {
  when: [{
    type: TYPES.filter((type) => type !== "pkm" && type !== "clt"),
    activation: SELECTIONS,
    encoder: ["dense", undefined],
  }],
  because:
    "AuxK serves selections by count that score every latent; thresholds would silence dead latents again",
};
const SCREENED: KeyRule = {
  when: [{ selection: ["screened"] }],
  because: 'only a screened selection has it (selection = "screened")',
};
const RESAMPLED = ["relu", "jumprelu", "gated"];

const SHAPE_RULES: RuleTable = {
  "dictionary.activation": {
    when: [{ type: WITHOUT_PURSUIT }],
    because: "a pursuit picks latents one after the other and has no activation function",
    defaults: WITHOUT_PURSUIT.map((type) => ({
      if: { type: [type] },
      value: FAMILIES[type].activations[0],
    })),
  },
  "dictionary.encoder": {
    when: [{ type: TYPES.filter((type) => FAMILIES[type].encoders.length > 0) }],
    because:
      "it scores in a way of its own: a pursuit by residuals, a clt layer by layer, lorsa by attention",
    neutral: ["dense"],
    defaults: [{ if: { type: ["pkm"] }, value: "pkm" }, { value: "dense" }],
    allowed: [
      ...TYPES.filter((type) => FAMILIES[type].encoders.length > 0).map((type) => ({
        if: { type: [type] },
        values: FAMILIES[type].encoders,
        because: "an autoencoder with product keys is type pkm",
      })),
      {
        if: { activation: FAMILIES.transcoder.activations.filter((name) => name !== "topk") },
        values: ENCODERS.filter((name) => name !== "pkm"),
        because: "product keys find the largest scores of a row, so their activation is topk",
      },
    ],
  },
  "model.hookpoint": {
    when: [{ type: TYPES.filter((type) => FAMILIES[type].points !== "layers") }],
    because: "a cross-layer transcoder names its layers in model.hookpoints",
  },
  "model.hookpoint_out": {
    when: [{ type: TYPES.filter((type) => FAMILIES[type].points === "pair") }],
    because: "only transcoders and lorsa reconstruct one other hookpoint",
  },
  "model.hookpoints": {
    when: [{ type: ["clt"] }],
    because: "only a cross-layer transcoder reads several hookpoints, name one in model.hookpoint",
  },
  "model.hookpoints_out": {
    when: [{ type: ["clt"] }],
    because: "only a cross-layer transcoder writes to several hookpoints",
  },
  "dictionary.d_out": {
    when: [{ type: TRANSCODERS }],
    because: "an autoencoder gives back its input",
  },
  "dictionary.n_layers": {
    when: [{ type: ["clt"] }],
    because: "only a cross-layer transcoder has layers",
  },
  "dictionary.normalize_activations": {
    allowed: [{
      if: { type: TRANSCODERS },
      values: NORMALIZATIONS.slice(0, 2),
      because: "what is taken from a row of the input cannot be given back to a row of the output",
    }],
  },
  "dictionary.use_decoder_bias": { defaults: [{ value: true }] },
  "dictionary.apply_b_dec_to_input": {
    when: [{ type: AUTOENCODERS, use_decoder_bias: [true] }],
    because: "only an autoencoder with a decoder bias can take it from the input",
    neutral: [false],
    defaults: [{ value: true }],
    allowed: [{
      if: { type: ["matching_pursuit"] },
      values: [true],
      because: "a pursuit begins at the input less the bias",
    }],
  },
  "dictionary.init_b_dec": {
    when: [{ use_decoder_bias: [true] }],
    because: "there is no decoder bias",
    neutral: ["zero"],
    defaults: [
      { if: { type: ["transcoder", "skip_transcoder", "lorsa"] }, value: "mean" },
      { if: { type: ["clt"] }, value: "zero" },
      { value: "geometric_median" },
    ],
  },
  "dictionary.normalize_decoder": {
    when: [{ type: [...AUTOENCODERS, "lorsa"] }],
    because: "a decoder that starts at zero or serves several layers has no rows of length 1",
    neutral: [false],
    defaults: [{ if: { type: ["relu", "jumprelu", "lorsa"] }, value: false }, { value: true }],
  },
  "dictionary.decoder_init_norm": {
    when: [{ type: AUTOENCODERS, normalize_decoder: [false] }],
    because: "only the rows of an autoencoder that are not kept at length 1 may start shorter",
    neutral: [1],
    defaults: [{ if: { type: ["relu", "jumprelu"] }, value: 0.1 }, { value: 1 }],
  },
  "dictionary.sparsity_include_decoder_norm": {
    when: [{
      type: TYPES.filter((type) => type !== "matching_pursuit" && type !== "pkm"),
      activation: [...SELECTIONS, "jumprelu"],
      normalize_decoder: [false, undefined],
    }],
    because: "lengths matter to selections and thresholds over free decoder rows only",
    neutral: [false, true],
    defaults: [
      { if: { type: ["lorsa"], activation: SELECTIONS }, value: true },
      { value: false },
    ],
    allowed: [
      {
        if: { type: ["transcoder", "skip_transcoder"] },
        values: [false],
        because: "a transcoder's decoder starts at zero, so that nothing would ever be active",
      },
      {
        if: { type: ["clt"] },
        values: [false],
        because: "lengths over all later layers are known in training, not to who runs a layer",
      },
    ],
  },
  "dictionary.resample_every": {
    when: [{ type: RESAMPLED }],
    because: "resampling serves autoencoders without AuxK",
    neutral: [0],
    defaults: [{ value: 0 }],
  },
  "dictionary.resample_dead_after": {
    when: [{ type: RESAMPLED }],
    because: "resampling serves autoencoders without AuxK",
  },
  "dictionary.pursuit_mode": {
    when: [{ type: ["matching_pursuit"] }],
    because: "only a matching pursuit has it",
    defaults: [{ value: "static" }],
  },
  "dictionary.max_iterations": DYNAMIC,
  "dictionary.residual_threshold": { ...DYNAMIC, neutral: [0], defaults: [{ value: 0.01 }] },
  "dictionary.stop_on_duplicate_support": {
    ...DYNAMIC,
    neutral: [false],
    defaults: [{ value: true }],
  },
  "dictionary.k": {
    when: [{ activation: SELECTIONS }, { pursuit_mode: ["static"] }],
    because: "only selections by count and static pursuits have a k",
  },
  "dictionary.k_start": ANNEALED,
  "dictionary.k_anneal_steps": ANNEALED,
  "dictionary.k_schedule": { ...ANNEALED, defaults: [{ value: "linear" }] },
  "dictionary.k_exponential_factor": {
    when: [{ k_schedule: ["exponential"] }],
    because: 'only an exponential course has it (k_schedule = "exponential")',
    defaults: [{ value: 3 }],
  },
  "dictionary.multi_topk": {
    when: [{
      type: ["topk", "transcoder", "skip_transcoder"],
      activation: ["topk"],
      encoder: ["dense"],
    }],
    because:
      "the second reconstruction takes the next 3 k scores of a row (activation topk, encoder dense)",
    neutral: [false],
    defaults: [{ value: false }],
  },
  "dictionary.selection": {
    when: [{ activation: ["topk"], encoder: ["dense"] }],
    because: "candidates are found for the k best scores of a row over a dense encoder",
    neutral: ["exact"],
    defaults: [{ value: "exact" }],
    allowed: [
      {
        if: { multi_topk: [true] },
        values: ["exact"],
        because: "candidates are found for one code",
      },
      {
        if: { sparsity_include_decoder_norm: [true] },
        values: ["exact"],
        because: "candidates are found by plain scores",
      },
    ],
  },
  "dictionary.screen_dims": SCREENED,
  "dictionary.screen_factor": { ...SCREENED, defaults: [{ value: 4 }] },
  "dictionary.auxk_coefficient": { ...AUXK, neutral: [0] },
  "dictionary.k_aux": AUXK,
  "dictionary.aux_select": { ...AUXK, defaults: [{ value: "row" }] },
  "dictionary.batchtopk_gate": {
    when: [{ type: TYPES.filter((type) => type !== "clt"), activation: ["batchtopk"] }],
    because: "only a selection over the batch (activation batchtopk) has it",
    neutral: ["select"],
    defaults: [{ value: "select" }],
  },
  "dictionary.threshold_ema": {
    when: [{ activation: BATCH_SELECTIONS }],
    because: "only selections over the batch have a running threshold",
    defaults: [{ value: 0.999 }],
  },
};

const OTHER_RULES: RuleTable = {
  "train.loss": {
    defaults: [
      { if: { activation: PENALISED }, value: "sum_mean" },
      { if: { type: ["matching_pursuit"] }, value: "sum_mean" },
      { value: "fvu" },
    ],
  },
  "optimizer.lr_schedule": {
    defaults: [{ if: { optimizer: ["signum"] }, value: "constant" }, {
      value: "constantwithwarmup",
    }],
  },
  "optimizer.momentum": {
    when: [{ optimizer: ["signum", "muon"] }],
    because: "Adam has betas in its place",
    defaults: [{ value: 0.95 }],
  },
  "optimizer.weight_decay": {
    when: [{ optimizer: ["adamw", "muon"] }],
    because: "only AdamW and Muon have it",
    neutral: [0],
    defaults: [{ if: { optimizer: ["muon"] }, value: 0.1 }, { value: 0.01 }],
  },
};

/** All rules. */
export const KEY_RULES: RuleTable = { ...SHAPE_RULES, ...OPTION_RULES, ...OTHER_RULES };
