/**
 * How a hookpoint was found, step by step, in words.
 * @module
 */
import { findHookpoints, resolveHookpoint } from "./hookpoints.ts";
import { nodeTitle } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { scopeOf } from "./names.ts";
import { normOf } from "./norm.ts";
import { nodesBetween } from "./order.ts";
import { linearNode, linearOf } from "./products.ts";
import { findStream, type Stream } from "./stream.ts";
import type { Block } from "./stream_blocks.ts";
import type { StreamStep } from "./stream_sum.ts";
import type { Hookpoint } from "./types.ts";

/** A hookpoint and the story of it. */
export interface Explanation {
  /** The hookpoint. */
  point: Hookpoint;
  /** One sentence or two each. */
  steps: string[];
}

/**
 * Explains how the hookpoint called `name` was found: a canonical name, a short one, or a tensor's own.
 * @throws SdmError when there is none of that name
 */
export function explainHookpoint(model: OnnxModel, name: string): Explanation {
  const point = resolveHookpoint(model, name);
  const stream = findStream(model);
  const steps: string[] = [];
  if (point.layer !== undefined && stream.trouble === undefined) {
    steps.push(...streamStory(model, stream), ...placeStory(model, stream, point));
  } else {
    steps.push(`"${point.tensor}" is named as a tensor of the graph.`);
    const others = findHookpoints(model).hookpoints.filter((o) => o.tensor === point.tensor);
    if (others.length > 0) steps.push(`It is ${others.map((o) => o.name).join(" and ")}.`);
  }
  steps.push(...tensorStory(model, point.tensor));
  for (const text of point.evidence) steps.push(`Evidence: ${text}.`);
  steps.push(`So it is ${point.confidence}.`);
  return { point, steps };
}

function streamStory(model: OnnxModel, stream: Stream): string[] {
  const norm = normOf(model, stream.norm)!;
  const begin = stream.steps[0].before;
  const maker = model.producers.get(begin);
  const form = stream.kind === "post"
    ? "every sum is normalised before it is read (post-norm), so that the norms are the stream"
    : "sublayers read norms of the stream (pre-norm)";
  const side = stream.steps.length === stream.blocks.length
    ? "attention and MLP side by side"
    : "attention and MLP in turn";
  return [
    `Output "${stream.output}" leads back to the norm ${nodeTitle(norm.node)}, which reads ` +
    `"${norm.input}".`,
    `From there ${stream.steps.length} residual Adds lead back to "${begin}"` +
    `${maker ? `, made by ${nodeTitle(maker)}` : ""}; ${form}.`,
    `They are ${stream.blocks.length} blocks of ${side}.`,
  ];
}

/** What is said of the place within its block. */
function placeStory(model: OnnxModel, stream: Stream, point: Hookpoint): string[] {
  const block = stream.blocks[point.layer!];
  const { kind } = point;
  if (kind === "resid_pre") {
    const before = point.layer === 0 ? "the embedding" : `block ${point.layer! - 1}`;
    return [
      `It is what block ${point.layer} adds to first: what ${before} leaves.`,
      ...sumStory(stream, block.steps[0]),
    ];
  }
  if (kind === "resid_mid") return sumStory(stream, block.steps[0]);
  if (kind === "resid_post") return sumStory(stream, block.steps.at(-1)!);
  const ofMlp = kind.startsWith("mlp");
  const step = ofMlp ? block.steps.at(-1)! : block.steps[0];
  return [
    ...sumStory(stream, step),
    ...branchStory(model, ofMlp ? block.mlp : block.attention, point),
  ];
}

function sumStory(stream: Stream, step: StreamStep): string[] {
  const number = stream.steps.indexOf(step) + 1;
  const branches = step.branches.map((b) => `"${b.tensor}" (${b.kind}: ${b.sign})`).join(" and ");
  const story = [
    `Residual Add ${number} of ${stream.steps.length} makes "${step.sum}": the stream ` +
    `"${step.before}", which leads to the other operand, and the branch ${branches}.`,
  ];
  if (step.after !== step.sum) story.push(`The norm of that sum is "${step.after}".`);
  if (step.constant !== undefined) {
    story.push(`Beside the branch a constant is added, "${step.constant}".`);
  }
  return story;
}

function branchStory(model: OnnxModel, part: Block["mlp"], point: Hookpoint): string[] {
  const nodes = nodesBetween(model, part.before, part.branch.tensor);
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
  const ops = [...counts].map(([op, count]) => count === 1 ? op : `${count} ${op}`).join(", ");
  const story = [`The branch has ${nodes.length} nodes from the stream to the Add: ${ops}.`];
  const firsts = nodes.filter((node) => linearNode(model, node)?.input === point.tensor);
  if (firsts.length > 0) {
    story.push(`First products with weights, which read it: ${labels(firsts)}.`);
  }
  const last = linearOf(model, part.branch.tensor);
  if (last) {
    const shape = `[${last.in ?? "?"}, ${last.out ?? "?"}]`;
    story.push(
      `The branch ends with ${nodeTitle(last.node)}, from ${shape.replace(", ", "] to [")}.`,
    );
  }
  return story;
}

function labels(nodes: readonly OnnxNode[]): string {
  const shown = nodes.slice(0, 4).map(nodeTitle).join(", ");
  return nodes.length > 4 ? `${shown} and ${nodes.length - 4} more` : shown;
}

/** Who makes a tensor, and who reads it. */
function tensorStory(model: OnnxModel, tensor: string): string[] {
  const node = model.producers.get(tensor);
  const scope = scopeOf(model, tensor);
  const inputs = node?.inputs.filter((name) => name !== "").map((name) => `"${name}"`).join(", ");
  const where = scope ? ` in module "${scope}"` : "";
  const story = [
    node
      ? `"${tensor}" is made by ${nodeTitle(node)}${where} from ${inputs || "nothing"}.`
      : `"${tensor}" is ${model.initializers.has(tensor) ? "a weight" : "an input"} of the graph.`,
  ];
  const readers = model.consumers.get(tensor) ?? [];
  const isOutput = model.outputs.some((output) => output.name === tensor);
  if (readers.length > 0) story.push(`It is read by ${labels(readers)}.`);
  const norms = normsOf(model, tensor);
  if (norms.length > 0) story.push(`Norms of it: ${labels(norms)}.`);
  if (isOutput) story.push("It is an output of the graph.");
  return story;
}

/** The norms whose input is `tensor`, looked for a few nodes ahead. */
function normsOf(model: OnnxModel, tensor: string): OnnxNode[] {
  const found = new Set<OnnxNode>(), seen = new Set([tensor]);
  let names = [tensor];
  for (let step = 0; step < 10; step++) {
    const next: string[] = [];
    for (const name of names) {
      for (const reader of model.consumers.get(name) ?? []) {
        const [output] = reader.outputs;
        if (!output || seen.has(output)) continue;
        seen.add(output);
        const norm = normOf(model, output);
        if (norm?.input === tensor) found.add(norm.node);
        else next.push(output);
      }
    }
    names = next;
  }
  return [...found];
}
