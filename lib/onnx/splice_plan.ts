/**
 * A model as a chain of parts, cut at the tensors that a dictionary replaces: the first part gives what comes before any of
 * them, each further part takes one replaced tensor and goes on to the next, the last one ends in losses. Together the parts
 * hold the weights once, and any choice of replaced and original tensors is a walk along the chain.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { type CutModel, cutModel, dependents, spliceRoot } from "./cut.ts";
import { HEAD, withLossHead } from "./loss_head.ts";
import type { OnnxModel } from "./model.ts";
import { mainOutput } from "./stream.ts";

/** One part of the chain. */
export interface SplicePart extends CutModel {
  /** The target that this part takes, by its place in the chain; none in the first part. */
  takes?: string;
}

/** The chain. */
export interface SplicePlan {
  /** First to last; the last one has the losses. */
  parts: SplicePart[];
  /** Tensors of the inputs, in the order asked. */
  inputs: string[];
  /** Tensors of the targets, in the order asked. */
  targets: string[];
  /** The targets' places in the chain: `order[i]` is the target that part i + 1 takes. */
  order: number[];
  /** Number of the part that computes each input. */
  inputParts: number[];
}

/** What to cut. */
export interface SplicePlanOptions {
  /** Tensors that a dictionary reads. */
  inputs: readonly string[];
  /** Tensors that it replaces. */
  targets: readonly string[];
  /** Weights above this are not copied to another part; see `CutOptions`. */
  cheapBytes?: number;
}

/**
 * The output with the scores of next tokens.
 * @throws SdmError when there is none
 */
function logitsOf(model: OnnxModel): string {
  const output = mainOutput(model);
  const found = model.outputs.map(({ name }) => name);
  const named = found.find((name) => name === "logits");
  const rank = model.values.get(named ?? "")?.dims?.length;
  if (named !== undefined && (rank === undefined || rank === 3)) return named;
  throw new SdmError(
    `Cannot measure next-token losses of "${model.name}": ` +
      (named === undefined
        ? `its output is "${output}", "logits" is needed`
        : `its logits have ${rank} axes, [batch, length, vocabulary] is needed`),
  );
}

/**
 * Plans the parts.
 * @throws SdmError when the model has no logits, or they do not depend on a target
 */
export function planSplice(model: OnnxModel, options: SplicePlanOptions): SplicePlan {
  const logits = logitsOf(model);
  const whole = withLossHead(model, logits);
  const targets = options.targets.map((tensor) => spliceRoot(whole, tensor));
  // An input that is weights or ids has no root, and needs none.
  const inputs = options.inputs.map((tensor) => {
    return whole.producers.has(tensor) ? spliceRoot(whole, tensor) : tensor;
  });
  if (new Set(targets).size < targets.length) {
    throw new SdmError(
      `Cannot replace "${
        options.targets.join('", "')
      }" in "${model.name}": two of them are one tensor`,
    );
  }
  const after = targets.map((target) => dependents(whole, [target]));
  const lost = targets.findIndex((_, i) => !after[i].has(logits));
  if (lost >= 0) {
    throw new SdmError(
      `Cannot measure what replacing "${options.targets[lost]}" in "${model.name}" does: ` +
        "the logits do not depend on it",
    );
  }
  // A target comes after all that it depends on, so that it depends on more of them.
  const depth = targets.map((target) => after.filter((set) => set.has(target)).length);
  const order = targets.map((_, i) => i).sort((a, b) => depth[a] - depth[b] || a - b);
  /** The part that makes a tensor: the one behind the last target that it depends on, itself apart. */
  const partOf = (tensor: string) =>
    order.findLastIndex((t) => targets[t] !== tensor && after[t].has(tensor)) + 1;
  const wanted: Set<string>[] = Array.from({ length: order.length + 1 }, () => new Set());
  const sides = wanted.map(() => new Set<string>());
  for (const tensor of [...targets, ...inputs]) wanted[partOf(tensor)].add(tensor);
  wanted[order.length].add(HEAD.logProbs).add(HEAD.nextLogProb).add(HEAD.kl);
  const parts: SplicePart[] = [];
  for (let p = order.length; p >= 0; p--) {
    const takes = p === 0 ? undefined : targets[order[p - 1]];
    const part = cutModel(whole, {
      replace: takes === undefined ? [] : [takes],
      earlier: order.slice(0, Math.max(0, p - 1)).map((t) => targets[t]),
      wanted: [...wanted[p]],
      sides: [...sides[p]],
      cheapBytes: options.cheapBytes,
    });
    for (const side of part.given.keys()) {
      if (!targets.includes(side)) sides[partOf(side)].add(side);
    }
    parts.unshift({ ...part, takes });
  }
  return { parts, inputs, targets, order, inputParts: inputs.map(partOf) };
}
