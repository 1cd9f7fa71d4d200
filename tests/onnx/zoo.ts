/** Holds every hookpoint of one exported model against PyTorch's activations of the same tokens. */
import { loadModel } from "../../lib/onnx/graph.ts";
import { findHookpoints } from "../../lib/onnx/hookpoints.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import type { Oracle } from "./oracle.ts";
import { relativeError } from "./oracle.ts";

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
    const wanted = [...oracle.arrays.keys()].filter((name) => name !== "cross_entropy");
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
    const runner = await createRunner({ model, taps, provider: "cpu" });
    try {
      const arrays = await runner.run(oracle.ids, oracle.batch, oracle.length);
      for (const [i, name] of taps.entries()) {
        const error = relativeError(arrays[i], oracle.arrays.get(name)!);
        if (error <= tolerance) {
          outcome.agreed.push(name);
          outcome.largest = Math.max(outcome.largest, error);
        } else outcome.wrong.push([name, error]);
      }
    } finally {
      await runner.close();
    }
  } catch (error) {
    outcome.trouble = error instanceof Error ? error.message : String(error);
  }
  return outcome;
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
