/**
 * From a resolved configuration to the numbers of a run: model options and what changes from step to step.
 * @module
 */
import { FAMILIES } from "../config/families.ts";
import type { Config, ResolvedConfig } from "../config/types.ts";
import { STEP } from "../kernels/common.ts";
import { type ModelOptions, modelOptions } from "../models/types.ts";
import { kAt, lrAt } from "../optim/schedules.ts";
import { familyPlan } from "./family_plan.ts";
import { penaltyExponents, penaltyPlan, penaltyWeight } from "./penalty_plan.ts";

/** Steps of a run. */
export function stepsOf({ train }: ResolvedConfig): number {
  return Math.ceil(train.training_tokens / train.batch_tokens);
}

/** Rows of a block: whole batches. */
export function blockRowsOf({ data, train }: Config): number {
  return Math.max(1, Math.round(data.buffer_tokens / train.batch_tokens)) * train.batch_tokens;
}

function kindOf({ dictionary }: ResolvedConfig): ModelOptions["kind"] {
  const { points, sequences } = FAMILIES[dictionary.type];
  if (points === "one") return "sae";
  if (points === "layers") return "clt";
  return sequences ? "lorsa" : "transcoder";
}

/** What the model is built from. Keys that the family does not read are undefined and leave no trace. */
export function modelOptionsOf(config: ResolvedConfig): ModelOptions {
  const { dictionary, train, optimizer } = config;
  const { skip, sequences } = FAMILIES[dictionary.type];
  const [beta1, beta2] = optimizer.betas;
  const k = dictionary.k ?? 0;
  return modelOptions({
    rows: train.batch_tokens,
    dIn: dictionary.d_in,
    dOut: dictionary.d_out ?? dictionary.d_in,
    dSae: dictionary.d_sae,
    k,
    kMax: Math.ceil(Math.max(k, dictionary.k_start ?? k)),
    kind: kindOf(config),
    activation: dictionary.activation ?? "topk",
    encoder: dictionary.encoder ?? "dense",
    inputBias: dictionary.apply_b_dec_to_input ?? false,
    decoderBias: dictionary.use_decoder_bias ?? true,
    unitRows: dictionary.normalize_decoder ?? false,
    decoderInitNorm: dictionary.decoder_init_norm ?? 1,
    gateByDecoderNorm: dictionary.sparsity_include_decoder_norm ?? false,
    skip,
    layers: dictionary.n_layers ?? 1,
    context: sequences ? config.data.context_size : 0,
    loss: train.loss,
    auxkCoefficient: dictionary.auxk_coefficient ?? 0,
    kAux: dictionary.k_aux ?? 1,
    auxSelect: dictionary.aux_select ?? "row",
    batchGate: dictionary.batchtopk_gate ?? "select",
    thresholdEma: dictionary.threshold_ema ?? 0.999,
    deadAfterTokens: dictionary.dead_after_tokens,
    clipGradNorm: optimizer.clip_grad_norm,
    optimizer: optimizer.optimizer,
    adam: { beta1, beta2, eps: optimizer.eps },
    weightDecay: optimizer.weight_decay,
    momentum: optimizer.momentum,
    ringSlots: train.log_every,
    ...penaltyPlan(config),
    ...familyPlan(config),
  });
}

/** Learning rate of step `t`. */
export function learningRate(config: ResolvedConfig, t: number): number {
  const { lr, lr_warm_up_steps, lr_decay_steps, lr_end_ratio, lr_schedule } = config.optimizer;
  return lrAt({
    lr,
    warmUp: lr_warm_up_steps,
    decay: lr_decay_steps,
    steps: stepsOf(config),
    endRatio: lr_end_ratio,
    shape: lr_schedule === "cosine" ? "cosine" : "linear",
  }, t);
}

/** Active latents of step `t`; 0 where nothing is selected by count. */
export function activeLatents({ dictionary }: ResolvedConfig, t: number): number {
  const { k = 0, k_start = k, k_anneal_steps = 0, k_exponential_factor } = dictionary;
  return kAt({
    k,
    kStart: k_start,
    annealSteps: k_anneal_steps,
    exponentialFactor: k_exponential_factor,
  }, t);
}

/** Whether thresholds that follow the batch take step `t` into their average: k and the learning rate have settled. */
function tracksThreshold({ dictionary, optimizer }: ResolvedConfig, t: number): boolean {
  return t >= Math.max(dictionary.k_anneal_steps ?? 0, optimizer.lr_warm_up_steps);
}

/**
 * The words of the buffer `step` for step `t`, which the kernels read.
 * @param leftOut rows of the batch that do not count
 */
export function stepWords(config: ResolvedConfig, t: number, leftOut = 0): ArrayBuffer {
  const { dictionary, optimizer, train } = config;
  const words = new DataView(new ArrayBuffer(STEP.words * 4));
  const float = (word: number, value: number) => words.setFloat32(word * 4, value, true);
  const whole = (word: number, value: number) => words.setUint32(word * 4, value, true);
  // The kernels compute with float32 rates: corrections of others would be off by 1e-5.
  const [beta1, beta2] = optimizer.betas.map(Math.fround);
  const k = activeLatents(config, t);
  float(STEP.lr, learningRate(config, t));
  float(STEP.correction1, 1 / (1 - beta1 ** (t + 1)));
  float(STEP.correction2, 1 / (1 - beta2 ** (t + 1)));
  whole(STEP.k, k);
  whole(STEP.slot, t % train.log_every);
  whole(STEP.batchK, Math.floor(k * (train.batch_tokens - leftOut)));
  float(STEP.coefficient, penaltyWeight(config, t));
  const exponents = penaltyExponents(config, t);
  float(STEP.exponent, exponents.now);
  float(STEP.nextExponent, exponents.next);
  whole(STEP.track, tracksThreshold(config, t) ? 1 : 0);
  float(STEP.preActCoefficient, dictionary.pre_act_coefficient ?? 0);
  whole(STEP.number, t);
  whole(STEP.leftOut, leftOut);
  return words.buffer;
}
