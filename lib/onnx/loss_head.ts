/**
 * Next-token losses as nodes behind a model's logits, so that no array of the vocabulary's size has to leave the runtime.
 * @module
 */
import { elemTypeOf } from "./infer.ts";
import { linkModel } from "./link.ts";
import { ELEM, type OnnxModel, type OnnxNode } from "./model.ts";
import { intField, sizedField } from "./protobuf.ts";
import { intAttribute, makeNode } from "./write.ts";

/** Names of the tensors of the head. */
export const HEAD = {
  /** In: int64 [batch, length, 1], the token that follows each position. */
  next: "sdm_next_ids",
  /** In: f32 [batch, length, vocab], log-probabilities to compare with; [1, 1, 1] where nothing is compared. */
  clean: "sdm_clean_log_probs",
  /** Out: f32 [batch, length, vocab], log-probabilities. */
  logProbs: "sdm_log_probs",
  /** Out: f32 [batch, length, 1], log-probability of the token that follows. */
  nextLogProb: "sdm_next_log_prob",
  /** Out: f32 [batch, length, 1], KL divergence of the model from the one compared with: Σ p_clean (log p_clean - log p). */
  kl: "sdm_kl",
} as const;

/** Opset from which ReduceSum takes its axes as an input. */
const AXES_AS_INPUT = 13;

/** NodeProto field of a list of integers. */
function intsAttribute(name: string, values: readonly number[]): Uint8Array {
  return sizedField(5, [
    sizedField(1, name),
    ...values.map((value) => intField(8, value)),
    intField(20, 7),
  ]);
}

/** A constant of one integer. */
function constantInt(name: string, value: number): OnnxNode {
  const tensor = [intField(1, 1), intField(2, ELEM.INT64), intField(7, value)];
  const field = sizedField(5, [sizedField(1, "value"), sizedField(5, tensor), intField(20, 4)]);
  return makeNode("Constant", [], [name], { fields: [field] });
}

/** The model with the head behind its output `logits`. Log-probabilities are in float32 whatever the model's type. */
export function withLossHead(model: OnnxModel, logits: string): OnnxModel {
  const last = intAttribute("axis", -1);
  const wide = elemTypeOf(model, logits) === ELEM.FLOAT ? logits : "sdm_logits";
  const sumFields = [intAttribute("keepdims", 1)], sumInputs = ["sdm_kl_terms"];
  const head: OnnxNode[] = [];
  if (wide !== logits) {
    head.push(makeNode("Cast", [logits], [wide], { fields: [intAttribute("to", ELEM.FLOAT)] }));
  }
  if ((model.opsets[""] ?? 0) >= AXES_AS_INPUT) {
    head.push(constantInt("sdm_last_axis", -1));
    sumInputs.push("sdm_last_axis");
  } else sumFields.push(intsAttribute("axes", [-1]));
  head.push(
    makeNode("LogSoftmax", [wide], [HEAD.logProbs], { fields: [last] }),
    makeNode("GatherElements", [HEAD.logProbs, HEAD.next], [HEAD.nextLogProb], { fields: [last] }),
    makeNode("Exp", [HEAD.clean], ["sdm_clean_probs"]),
    makeNode("Sub", [HEAD.clean, HEAD.logProbs], ["sdm_log_ratio"]),
    makeNode("Mul", ["sdm_clean_probs", "sdm_log_ratio"], ["sdm_kl_terms"]),
    makeNode("ReduceSum", sumInputs, [HEAD.kl], { fields: sumFields }),
  );
  const float = (name: string) => [name, { name, elemType: ELEM.FLOAT }] as const;
  const made = [HEAD.logProbs, HEAD.nextLogProb, HEAD.kl];
  const inputs = [{ name: HEAD.next, elemType: ELEM.INT64 }, {
    name: HEAD.clean,
    elemType: ELEM.FLOAT,
  }];
  const whole: OnnxModel = {
    ...model,
    nodes: [...model.nodes, ...head],
    inputs: [...model.inputs, ...inputs],
    values: new Map([
      ...model.values,
      ...made.map(float),
      ...inputs.map((input) => [input.name, input] as const),
    ]),
    producers: new Map(),
    consumers: new Map(),
  };
  linkModel(whole);
  return whole;
}
