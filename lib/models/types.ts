/**
 * What the trainer knows of a model: parameters, state, one program a step, and declared properties.
 * @module
 */
import type { PursuitStops } from "../blocks/coders/pursuit_forms.ts";
import type { PursuitPlan } from "../blocks/coders/pursuit_plan.ts";
import type { ScreenOptions } from "../blocks/coders/screened.ts";
import type { PrefixOptions } from "../blocks/decoders/prefix_plan.ts";
import type { ThresholdOptions } from "../blocks/gates/jumprelu.ts";
import type { PenaltyOptions } from "../blocks/losses/penalty.ts";
import type { LossName } from "../blocks/losses/reconstruction.ts";
import type { GateScope, Parameter, RingField, StateBuffer, Workspace } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { AdamRates } from "../kernels/adam.ts";
import type { Rotary } from "../kernels/rope_rows.ts";
import type { OptimizerKind } from "../optim/types.ts";
import type { AttentionSource } from "./attention_source.ts";
import type { TrainedRecord } from "./record.ts";

/** Names of the gates. */
export type ActivationName =
  | "relu"
  | "topk"
  | "groupmax"
  | "batchtopk"
  | "jumprelu"
  | "gated"
  | "layertopk"
  | "batchlayertopk";

/** How a matching pursuit picks. */
export interface PursuitSettings extends PursuitStops {
  /** Most picks of a row of a dynamic pursuit; a static one makes k. */
  readonly maxIterations: number;
  /** Whether rows of W_dec are divided by their lengths before they are used, with the gradient through it. */
  readonly normaliseOnAccess: boolean;
  /** Which of two equal ways of computing it; the cheaper one when absent. */
  readonly form?: PursuitPlan["form"];
}

/** How product keys are laid out. */
export interface KeySettings {
  /** Sub-keys of the first side; the divisor of the latents that is nearest to their root when absent. */
  readonly m1?: number;
  /** Selections of a row, each with sub-keys of its own. */
  readonly heads: number;
  /** Whether latents have a bias each. */
  readonly bias: boolean;
}

/** Attention heads that latents share. */
export interface AttentionSettings {
  /** Query-key heads; the latents are a multiple of them. */
  readonly heads: number;
  /** Numbers of a query or key, a multiple of 4. */
  readonly width: number;
  /** Divisor of the scores. */
  readonly scale: number;
  /** Rotary positions; none when absent. */
  readonly rotary?: Rotary;
  /** Whether queries and keys have an RMS norm each. */
  readonly norms: boolean;
  /** Added to the mean of squares in it. */
  readonly eps: number;
  /** What is taken from the model's own attention at the start: queries and keys, or values and outputs as well. */
  readonly start?: "queries" | "all";
}

/** Sizes and numbers that every model is built from. Options of single blocks stand in their own groups. */
export interface ModelOptions {
  /** Rows of a batch. */
  rows: number;
  /** Input width. */
  dIn: number;
  /** Output width. */
  dOut: number;
  /** Number of latents (of a layer). */
  dSae: number;
  /** Active latents a row at the end of training. */
  k: number;
  /** Largest k of the run. */
  kMax: number;
  /** What it reconstructs: its own input, another hookpoint, those of several layers, or what attention writes. */
  kind: "sae" | "transcoder" | "clt" | "lorsa";
  /** The gate. */
  activation: ActivationName;
  /** How scores or candidates are made. */
  encoder: "dense" | "pkm";
  /** Whether the decoder bias is also taken from the input (`apply_b_dec_to_input`). */
  inputBias: boolean;
  /** Whether there is a decoder bias (`use_decoder_bias`). */
  decoderBias: boolean;
  /** Whether decoder rows are kept at unit length (`normalize_decoder`). */
  unitRows: boolean;
  /** Length of the decoder rows at the start (`decoder_init_norm`). */
  decoderInitNorm: number;
  /** Whether gates compare h · ‖W_dec row‖ (`sparsity_include_decoder_norm`). */
  gateByDecoderNorm: boolean;
  /** Whether the input reaches the output by a matrix of its own. */
  skip: boolean;
  /** Whether a second code of 4 k latents adds an eighth of its loss (`multi_topk`). */
  multiTopk: boolean;
  /** How candidates are found where a selection by row does not look at every latent; exact when absent. */
  screen?: ScreenOptions;
  /** Nested prefixes that reconstruct by themselves; none when absent. */
  prefixes?: PrefixOptions;
  /** Layers of a cross-layer transcoder; 1 otherwise. */
  layers: number;
  /** Tokens of a sequence, for models that need whole ones; 0 otherwise. */
  context: number;
  /** Reconstruction loss. */
  loss: LossName;
  /** Mean square of the centred target, for the loss `fixed_fvu`. */
  targetVariance: number;
  /** Coefficient of AuxK; 0 leaves it out. */
  auxkCoefficient: number;
  /** Dead latents that AuxK uses a row. */
  kAux: number;
  /** Whether AuxK selects within a row or over the batch. */
  auxSelect: "row" | "batch";
  /** What a selection over the batch compares with: the batch's own K-th score, or a threshold that follows it. */
  batchGate: "select" | "running_quantile" | "control";
  /** Share of the old value when that threshold moves, or its average for use after training. */
  thresholdEma: number;
  /** Tokens without firing that make a latent dead. */
  deadAfterTokens: number;
  /** Longest gradient; 0 for no clipping. */
  clipGradNorm: number;
  /** The optimiser. */
  optimizer: OptimizerKind;
  /** Numbers of Adam. */
  adam: AdamRates;
  /** Decoupled weight decay; what is usual for the optimiser when absent. */
  weightDecay?: number;
  /** Momentum of optimisers that have one; what is usual when absent. */
  momentum?: number;
  /** Rows of the metrics ring. */
  ringSlots: number;
  /** How a matching pursuit picks; k picks with ReLU when absent. */
  pursuit?: PursuitSettings;
  /** How product keys are laid out; one head without a bias a latent when absent. */
  keys?: KeySettings;
  /** Attention heads of models that attend; as many of width 64 as the input is wide, with rotation, when absent. */
  attention?: AttentionSettings;
  /** Sparsity penalty of the activations that have one; their usual one when absent. */
  penalty?: PenaltyOptions;
  /** How thresholds are trained. */
  thresholds?: ThresholdOptions;
  /** Latents that the pre-activation loss of thresholds acts on; none when absent. */
  preAct?: "all" | "dead";
}

/** Options with the values that most models have. */
export function modelOptions(
  given:
    & Partial<ModelOptions>
    & Pick<ModelOptions, "rows" | "dIn" | "dSae" | "k">,
): ModelOptions {
  return {
    dOut: given.dIn,
    kMax: given.k,
    kind: "sae",
    activation: "topk",
    encoder: "dense",
    inputBias: true,
    decoderBias: true,
    unitRows: true,
    decoderInitNorm: 1,
    gateByDecoderNorm: false,
    skip: false,
    multiTopk: false,
    layers: 1,
    context: 0,
    loss: "fvu",
    targetVariance: 1,
    auxkCoefficient: 0,
    kAux: 1,
    auxSelect: "row",
    batchGate: "select",
    thresholdEma: 0.999,
    deadAfterTokens: 10_000_000,
    clipGradNorm: 1,
    optimizer: "adam",
    adam: { beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    ringSlots: 1,
    ...given,
  };
}

/** Where the metrics of the last steps are. */
export interface MetricsRing {
  /** f32 [slots, fields.length]. */
  readonly buffer: GPUBuffer;
  /** What a row holds. */
  readonly fields: readonly RingField[];
  /** Rows; step t has row t modulo this. */
  readonly slots: number;
}

/** A model on the device, ready for training steps. */
export interface TrainableModel {
  /** How its gate chooses. */
  readonly gateScope: GateScope;
  /** Buffers of a batch. */
  readonly space: Workspace;
  /** Where the matrices of a batch go, in the order of its points: inputs, then targets. */
  readonly inputs: readonly Rows[];
  /** Trained parameters. */
  readonly parameters: readonly Parameter[];
  /** State of the optimiser. */
  readonly optimizerState: readonly { name: string; rows: Rows }[];
  /** Puts the values that are meant for use in the place of those that are trained, after at least one step; and back. */
  readonly exported: { begin(): Command[]; end(): Command[] };
  /** Counters and other words that belong to a checkpoint. */
  readonly state: readonly StateBuffer[];
  /** Metrics of the steps. */
  readonly ring: MetricsRing;
  /** f32 [rows, STATS]: sums of the rows of the last batch, the squared error first; absent where there are many targets. */
  readonly rowStats?: GPUBuffer;
  /** One training step, from `inputs` and `space.step` to updated parameters and a row of the metrics ring. */
  readonly step: readonly Command[];
  /** Writes what the host draws for step `step`, before its commands are submitted. */
  readonly beforeStep?: (step: number) => void;
}

/** First values of the parameters, or trained ones, by name, row-major. */
export type InitialValues = ReadonlyMap<string, Float32Array>;

/** What first values may depend on, beyond the seed. All of it is measured on the first batches, scaled as in training. */
export interface StartFacts {
  /** Start of the decoder bias [dOut]: a centre of the targets, or zero. One a target. */
  bDec: readonly Float32Array[];
  /** Means of the inputs [dIn], one an input. */
  meanInput: readonly Float32Array[];
  /** Some rows of the first input, row-major [n, dIn]. */
  sample: Float32Array;
  /** Factors that the points of a batch are multiplied with: inputs, then targets. */
  scales: readonly number[];
  /** The model's own attention between input and target, where first values are asked of it. */
  attention?: AttentionSource;
}

/** What a model needs of its data. */
export interface DataNeeds {
  /** Whether the target is another point than the input. */
  target: "same" | "other";
  /** Whether there is an input and a target for each of several layers. */
  layers: boolean;
  /** Whether rows of a batch must be whole sequences in order. */
  sequences: boolean;
}

/** A family of dictionaries: data, not a class. */
export interface ModelFamily {
  /** Name in configurations. */
  readonly type: string;
  /** One sentence. */
  readonly doc: string;
  /** What it computes and what is made small, in the letters of `docs/families.md`. */
  readonly formula: string;
  /** Where it comes from, and what was taken from where. */
  readonly source: string;
  /** What activations mean in it, where that is not what they mean elsewhere. */
  readonly activationDocs?: Readonly<Partial<Record<ActivationName, string>>>;
  /** What it needs of the data. */
  readonly needs: DataNeeds;
  /** Options that the type implies where nothing else is said. */
  readonly defaults: Partial<ModelOptions>;
  /** First values of the parameters, a pure function of the seed and of `facts`. */
  initial(options: ModelOptions, seed: number, facts: StartFacts): InitialValues;
  /** Puts the model on the device. */
  build(gpu: Gpu, options: ModelOptions): TrainableModel;
  /** The trained dictionary. `state` has the words of the model's state by name. */
  record(
    options: ModelOptions,
    values: InitialValues,
    state?: ReadonlyMap<string, Float32Array>,
  ): TrainedRecord;
}
