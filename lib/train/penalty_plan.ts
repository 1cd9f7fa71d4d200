/**
 * From a resolved configuration to the numbers of sparsity penalties and thresholds, of the model and of a step.
 * @module
 */
import type { ResolvedConfig } from "../config/types.ts";
import { thresholdOptions } from "../blocks/gates/jumprelu.ts";
import { penaltyOptions } from "../blocks/losses/penalty.ts";
import type { ModelOptions } from "../models/types.ts";
import {
  coefficientAt,
  exponentAt,
  type ExponentSchedule,
  nextExponentAt,
} from "../optim/schedules.ts";
import { stepsOf } from "../config/resolve.ts";

/** A run in which an error of L0 changes the coefficient by its own factor has this many such times. */
const STEERING_TIMES = 50;

/** The largest weight of the penalty; 0 where there is none. */
function largestWeight({ dictionary }: ResolvedConfig): number {
  return dictionary.l1_coefficient ?? dictionary.l0_coefficient ?? 0;
}

function exponents(config: ResolvedConfig): ExponentSchedule {
  const { lp_norm = 1, p_end = lp_norm, p_anneal_start = 0, p_anneal_updates = 1 } =
    config.dictionary;
  return {
    p: lp_norm,
    pEnd: p_end,
    start: p_anneal_start,
    updates: p_anneal_updates,
    steps: stepsOf(config),
  };
}

/** What the model is built from; groups that the family does not read are absent. */
export function penaltyPlan(
  config: ResolvedConfig,
): Pick<ModelOptions, "penalty" | "thresholds" | "preAct"> {
  const { dictionary } = config;
  const { sparsity_penalty: name, jumprelu_bandwidth: window, pre_act_coefficient } = dictionary;
  const plan: Pick<ModelOptions, "penalty" | "thresholds" | "preAct"> = {};
  if (name !== undefined) {
    const { p, pEnd } = exponents(config);
    plan.penalty = penaltyOptions({
      name,
      coefficient: largestWeight(config),
      tanhScale: dictionary.tanh_c,
      frequencyScale: dictionary.frequency_scale,
      annealed: p !== pEnd,
      targetL0: dictionary.target_l0,
      steerSteps: Math.max(1, stepsOf(config) / STEERING_TIMES),
    });
  }
  if (window !== undefined) {
    plan.thresholds = thresholdOptions({
      window,
      initial: dictionary.jumprelu_init_threshold,
      biasFromData: dictionary.init_b_enc === "quantile",
      log: dictionary.jumprelu_threshold === "log",
      toInput: dictionary.ste_to_input,
      lrFactor: dictionary.threshold_lr_factor,
    });
  }
  if (pre_act_coefficient) plan.preAct = dictionary.pre_act_scope ?? "all";
  return plan;
}

/** Weight of the sparsity penalty in step `t` by its schedule; 0 where there is none. */
export function penaltyWeight(config: ResolvedConfig, t: number): number {
  const warmUp = config.dictionary.sparsity_warm_up_steps ?? 0;
  return coefficientAt({ coefficient: largestWeight(config), warmUp }, t);
}

/** Exponents of the sparsity penalty: that of step `t`, and the one after it; 1 where it has none. */
export function penaltyExponents(config: ResolvedConfig, t: number): { now: number; next: number } {
  const schedule = exponents(config);
  return { now: exponentAt(schedule, t), next: nextExponentAt(schedule, t) };
}
