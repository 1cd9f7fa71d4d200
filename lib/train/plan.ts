/**
 * From a resolved configuration to the numbers of a run: model options and what changes from step to step.
 * @module
 */
import type { ResolvedConfig } from "../config/types.ts";
import { STEP } from "../kernels/common.ts";
import { type ModelOptions, modelOptions } from "../models/types.ts";
import { kAt, lrAt } from "../optim/schedules.ts";

/** Steps of a run. */
export function stepsOf({ train }: ResolvedConfig): number {
  return Math.ceil(train.training_tokens / train.batch_tokens);
}

/** What the model is built from. */
export function modelOptionsOf(config: ResolvedConfig): ModelOptions {
  const { dictionary, train, optimizer } = config;
  const [beta1, beta2] = optimizer.betas;
  return modelOptions({
    rows: train.batch_tokens,
    dIn: dictionary.d_in,
    dOut: dictionary.d_in,
    dSae: dictionary.d_sae,
    k: dictionary.k,
    kMax: Math.max(dictionary.k, dictionary.k_start),
    auxkCoefficient: dictionary.auxk_coefficient,
    kAux: dictionary.k_aux,
    deadAfterTokens: dictionary.dead_after_tokens,
    clipGradNorm: optimizer.clip_grad_norm,
    adam: { beta1, beta2, eps: optimizer.eps },
    ringSlots: train.log_every,
  });
}

/** Learning rate of step `t`. */
export function learningRate(config: ResolvedConfig, t: number): number {
  const { lr, lr_warm_up_steps, lr_decay_steps } = config.optimizer;
  return lrAt({ lr, warmUp: lr_warm_up_steps, decay: lr_decay_steps, steps: stepsOf(config) }, t);
}

/** The words of the buffer `step` for step `t`, which the kernels read. */
export function stepWords(config: ResolvedConfig, t: number): ArrayBuffer {
  const { dictionary, optimizer } = config;
  const words = new DataView(new ArrayBuffer(STEP.words * 4));
  const [beta1, beta2] = optimizer.betas;
  words.setFloat32(STEP.lr * 4, learningRate(config, t), true);
  words.setFloat32(STEP.correction1 * 4, 1 / (1 - beta1 ** (t + 1)), true);
  words.setFloat32(STEP.correction2 * 4, 1 / (1 - beta2 ** (t + 1)), true);
  const k = kAt({
    k: dictionary.k,
    kStart: dictionary.k_start,
    annealSteps: dictionary.k_anneal_steps,
  }, t);
  words.setUint32(STEP.k * 4, k, true);
  words.setUint32(STEP.slot * 4, t % config.train.log_every, true);
  words.setUint32(STEP.batchK * 4, Math.floor(k * config.train.batch_tokens), true);
  words.setUint32(STEP.number * 4, t, true);
  return words.buffer;
}
