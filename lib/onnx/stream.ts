/**
 * Finds the residual stream of a language model by the shape of its graph: from the output back to a norm, and from
 * there along the Adds in which one operand (the stream so far) leads to the other (what a sublayer adds).
 * @module
 */
import { nodeTitle, strip } from "./infer.ts";
import type { OnnxModel } from "./model.ts";
import { normOf } from "./norm.ts";
import { valueInputs } from "./order.ts";
import { type Block, blocksOf } from "./stream_blocks.ts";
import { postNormSteps } from "./stream_postnorm.ts";
import { preNormSteps } from "./stream_prenorm.ts";
import type { StreamStep } from "./stream_sum.ts";

/** A stream that was found. */
export interface Stream {
  /** `pre`: sublayers read norms of the stream; `post`: the stream consists of norms (BERT). */
  kind: "pre" | "post";
  /** Output of the graph at which the search began. */
  output: string;
  /** Tensor of the norm at which the stream ends: the final norm, or the last block's own. */
  norm: string;
  /** Residual Adds, first one first. */
  steps: StreamStep[];
  /** The same as blocks. */
  blocks: Block[];
  trouble?: undefined;
}

/** The stream, or why there is none. */
export type StreamResult = Stream | { trouble: string; blocks?: undefined };

/** Tensors looked at between the output and the stream: a head is small. */
const REACH = 3000;
/** Norms tried: those of a head come before the stream's own. */
const TRIES = 8;
const streams = new WeakMap<OnnxModel, StreamResult>();

/** The output that carries logits or hidden states. */
export function mainOutput(model: OnnxModel): string | undefined {
  const names = model.outputs.map((output) => output.name);
  const usual = ["logits", "last_hidden_state", "token_embeddings", "hidden_states"];
  return usual.find((name) => names.includes(name)) ?? names[0];
}

/** Norms behind the output, nearest first; of a norm only what it reads is looked behind. */
function* normsBehind(model: OnnxModel, output: string): Generator<string> {
  let level = [output];
  const seen = new Set(level);
  for (let visited = 0; level.length > 0 && visited < REACH;) {
    const next: string[] = [];
    for (const name of level) {
      visited++;
      const norm = normOf(model, name);
      if (norm) yield name;
      const node = model.producers.get(name);
      const inputs = norm ? [norm.input] : node ? valueInputs(node) : [];
      for (const input of inputs) {
        if (!seen.has(input)) next.push(input);
        seen.add(input);
      }
    }
    level = next;
  }
}

/** The stream that ends at the norm `name`: as norms when it consists of them, else as sums. */
function streamAt(model: OnnxModel, output: string, name: string): Stream | StreamStep[] {
  const norm = normOf(model, name)!;
  const post = postNormSteps(model, name);
  const kind = post.length > 1 ? "post" : "pre";
  const steps = kind === "post" ? post : preNormSteps(model, norm.input);
  const blocks = blocksOf(steps);
  if (!blocks || blocks.length === 0) return steps;
  return { kind, output, norm: strip(model, name), steps, blocks };
}

/** The residual stream from the embedding to the last norm, worked out once. */
export function findStream(model: OnnxModel): StreamResult {
  let found = streams.get(model);
  if (!found) streams.set(model, found = search(model));
  return found;
}

function search(model: OnnxModel): StreamResult {
  const output = mainOutput(model);
  if (output === undefined) return { trouble: "the graph has no outputs" };
  if (model.producers.get(output)?.op === "If") {
    return { trouble: "the decoder is inside an If node (a merged export)" };
  }
  let longest: { name: string; steps: StreamStep[] } | undefined;
  let tries = 0;
  for (const name of normsBehind(model, output)) {
    const found = streamAt(model, output, name);
    if (!Array.isArray(found)) return found;
    if (!longest || found.length > longest.steps.length) longest = { name, steps: found };
    if (++tries === TRIES) break;
  }
  if (!longest) return { trouble: `no norm was found before output "${output}"` };
  return { trouble: troubleAt(model, longest.name, longest.steps) };
}

/** What was seen, and where the search stopped. */
function troubleAt(model: OnnxModel, name: string, steps: readonly StreamStep[]): string {
  const { input, node } = normOf(model, name)!;
  const last = `the last norm, ${nodeTitle(node)}, reads "${input}"`;
  const maker = (tensor: string) => {
    const made = model.producers.get(tensor);
    return made ? `comes from ${nodeTitle(made)}` : "comes from no node";
  };
  if (steps.length === 0) {
    return `${last}, which ${maker(input)} and is no residual Add (an Add of two tensors, ` +
      "one of which is computed from the other)";
  }
  const kinds = steps.map((step) => step.branches.map((b) => b.kind).join("+")).join(", ");
  const begin = steps[0].before;
  return `${last}; before it are ${steps.length} residual Adds (${kinds}) back to "${begin}", ` +
    `which ${maker(begin)} and is no residual Add; attention and MLP in turn are needed`;
}
