/** Holds every hookpoint of one exported model against PyTorch's activations of the same tokens. */
import { loadModel } from "../../lib/onnx/graph.ts";
import { findHookpoints } from "../../lib/onnx/hookpoints.ts";
import type { OnnxModel } from "../../lib/onnx/model.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { createSplicer } from "../../lib/onnx/splice.ts";
import type { Oracle } from "./oracle.ts";
import { relativeError } from "./oracle.ts";

const LOSSES = "cross_entropy";

/** What became of one model. */
export interface Outcome {
  /** Hookpoints that agree. */
  agreed: string[];
  /** Hookpoints that PyTorch has and the resolver does not name; queries, keys and values aside. */
  missing: string[];
  /** Queries, keys and values that are no tensor of this graph. */
  absent: string[];
  /** Hookpoints whose values differ, with their relative error. */
  wrong: [string, number][];
  /** The largest relative error of those that agree. */
  largest: number;
  /** Why nothing could be compared. */
  trouble?: string;
}

/** Whether a model has nothing missing and nothing wrong. */
export function passed(outcome: Outcome): boolean {
  const { trouble, missing, wrong, agreed } = outcome;
  return trouble === undefined && missing.length + wrong.length === 0 && agreed.length > 0;
}

/** Resolves and taps all hookpoints of a model at once, and the output that the oracle names. */
export async function holdAgainst(
  path: string,
  oracle: Oracle,
  tolerance: number,
): Promise<Outcome> {
  const outcome: Outcome = { agreed: [], missing: [], absent: [], wrong: [], largest: 0 };
  try {
    const model = await loadModel(path);
    const found = findHookpoints(model);
    if (found.trouble !== undefined) return { ...outcome, trouble: found.trouble };
    const known = new Set(found.hookpoints.map((point) => point.name));
    const wanted = [...oracle.arrays.keys()].filter((name) => !name.startsWith(LOSSES));
    const taps: string[] = [];
    for (const name of wanted) {
      if (known.has(name) || !name.startsWith("blocks.")) taps.push(name);
      else if (/hook_[qkv]$/.test(name)) outcome.absent.push(name);
      else outcome.missing.push(name);
    }
    for (const name of known) {
      const packed = name.endsWith("hook_qkv");
      if (!packed && !oracle.arrays.has(name)) outcome.wrong.push([name, Infinity]);
    }
    const arrays = await activations(model, taps, oracle);
    for (const [i, name] of taps.entries()) {
      // Alone as well: the runtime fuses otherwise, and memory lies otherwise, where other tensors need not be kept.
      const alone = await activations(model, [name], oracle);
      const wanted = oracle.arrays.get(name)!;
      const error = Math.max(relativeError(arrays[i], wanted), relativeError(alone[0], wanted));
      if (error <= tolerance) {
        outcome.agreed.push(name);
        outcome.largest = Math.max(outcome.largest, error);
      } else outcome.wrong.push([name, error]);
    }
  } catch (error) {
    outcome.trouble = error instanceof Error ? error.message : String(error);
  }
  return outcome;
}

async function activations(
  model: OnnxModel,
  taps: readonly string[],
  { ids, batch, length }: Oracle,
): Promise<Float32Array[]> {
  const runner = await createRunner({ model, taps, provider: "cpu", threads: 1 });
  try {
    return await runner.run(ids, batch, length);
  } finally {
    await runner.close();
  }
}

/** What became of the losses of one model. */
export interface Losses {
  /** Largest difference from PyTorch's loss of a token in nats, relative where the loss is above 1; by what was done. */
  errors: [string, number][];
  /** Largest difference between the losses as they are and with activations replaced by themselves. */
  identity: number;
}

/** Losses of every next token as the model is, and with zero in the place of each activation that the oracle names. */
export async function holdLosses(path: string, oracle: Oracle): Promise<Losses> {
  const found: Losses = { errors: [], identity: 0 };
  const model = await loadModel(path);
  const { ids, batch, length } = oracle;
  for (const name of oracle.arrays.keys()) {
    const target = name.split(" without ")[1];
    if (target === undefined) continue;
    const splicer = await createSplicer({
      model,
      inputs: [target],
      targets: [target],
      provider: "cpu",
    });
    try {
      const clean = await splicer.clean(ids, batch, length);
      found.errors.push([LOSSES, worst(clean.ce, oracle.arrays.get(LOSSES)!, length)]);
      const zeros = clean.targets.map((rows) => new Float32Array(rows.length));
      const { ce } = await splicer.replace(zeros);
      found.errors.push([name, worst(ce, oracle.arrays.get(name)!, length)]);
      const same = await splicer.replace(clean.targets);
      const off = same.ce.map((loss, i) =>
        (i + 1) % length === 0 ? 0 : Math.abs(loss - clean.ce[i])
      );
      found.identity = Math.max(found.identity, ...off);
    } finally {
      await splicer.close();
    }
  }
  return found;
}

/** Largest difference of losses [batch, length], whose last of each row means nothing, from PyTorch's [batch, length - 1]. */
function worst(ce: Float32Array, theirs: Float32Array, length: number): number {
  const ours = ce.filter((_loss, i) => (i + 1) % length !== 0);
  if (ours.length !== theirs.length) return Infinity;
  return theirs.reduce(
    (most, loss, i) => Math.max(most, Math.abs(ours[i] - loss) / Math.max(1, loss)),
    0,
  );
}

/** An outcome in a few words. */
export function describeOutcome(outcome: Outcome): string {
  const { trouble, agreed, missing, absent, wrong, largest } = outcome;
  if (trouble !== undefined) return trouble.split("\n")[0];
  const parts = [`${agreed.length} agree (${largest.toExponential(1)})`];
  if (absent.length > 0) parts.push(`${absent.length} of q/k/v absent`);
  if (missing.length > 0) parts.push(`missing ${missing.join(" ")}`);
  const off = wrong.map(([name, error]) => `${name} (${error.toExponential(1)})`);
  if (off.length > 0) parts.push(`wrong ${off.join(" ")}`);
  return parts.join(", ");
}
