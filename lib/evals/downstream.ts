/**
 * What a dictionary costs its language model: next-token losses with reconstructions, zero and the mean in the place of
 * activations. Procedure: evals spec, sections 1.2 and 1.5.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import type { TextInputs } from "../data/text_inputs.ts";
import type { LoadedDictionary } from "../models/loaded.ts";
import type { CleanRun, SplicedRun, Splicer } from "../onnx/splice_types.ts";
import type { Measured } from "./definitions.ts";
import {
  addLosses,
  downstreamFigures,
  type DownstreamSums,
  emptyLossSum,
  type LossSum,
} from "./downstream_sums.ts";
import { type HeldOutRows, targetsOf } from "./held_out.ts";

/** Where zero and the mean are put: at every position, or only where reconstructions are. */
export type AblatePositions = "all" | "kept_only";

/** What to measure. */
export interface DownstreamOptions {
  /** Tokens of text to run at most; whole contexts, at least one. */
  maxTokens: number;
  /** Of every target the row that stands for no information, [d]. */
  means: readonly Float32Array[];
  /** Where zero and the mean are put. */
  ablatePositions: AblatePositions;
  /** Contexts of one model run at most. */
  contextsPerRun?: number;
  /** Receives progress. */
  onProgress: OnProgress;
  /** Stops between two runs. */
  signal?: AbortSignal;
}

/** What was found, or why nothing was. */
export interface Downstream {
  /** The metrics; none when there is a reason. */
  figures: Measured[];
  /** Tokens that count. */
  tokens: number;
  /** Why there are no metrics. */
  reason?: string;
  /** What one has to know to compare the metrics with others. */
  notes: string[];
  /** Zero in the place of the activation did not raise the loss, so that loss recovered has no meaning. */
  ablation_not_harmful?: boolean;
  /** Where zero and the mean were put. */
  ablate_positions: AblatePositions;
}

/** Bytes that the log-probabilities of one run may take. */
const MOST_LOG_PROB_BYTES = 64 * 2 ** 20;

/** No metrics, and why. */
export function noDownstream(reason: string, ablatePositions: AblatePositions): Downstream {
  return { figures: [], tokens: 0, reason, notes: [], ablate_positions: ablatePositions };
}

/** Mean of the rows that count of every target. */
export function targetMeans({ rows, points, mask }: HeldOutRows): Float32Array[] {
  return targetsOf(points).map(({ d, x }) => {
    const sum = new Float64Array(d);
    let counted = 0;
    for (let r = 0; r < rows; r++) {
      if (mask && mask[r] === 0) continue;
      counted++;
      for (let j = 0; j < d; j++) sum[j] += x[r * d + j];
    }
    return Float32Array.from(sum, (v) => v / Math.max(1, counted));
  });
}

/** Sums over the same tokens as those of another dictionary, which has left its baselines. */
export type LossBaselines = Pick<DownstreamSums, "clean" | "zero" | "mean">;

/**
 * Measures a dictionary in its model: the sums that {@link downstreamOf} makes its figures of, or why there are none.
 *
 * Positions that do not count keep their own activation, and their losses are left out.
 * @param known what another dictionary of the same points and options found without itself
 * @throws SdmError when it is stopped
 */
export async function sumLosses(
  dictionary: LoadedDictionary,
  splicer: Splicer,
  inputs: Pick<TextInputs, "tokens" | "kept" | "counted">,
  options: DownstreamOptions,
  known?: LossBaselines,
): Promise<DownstreamSums | { reason: string }> {
  const { tokens, kept, counted = kept } = inputs;
  const { contextSize } = tokens;
  const contexts = Math.max(
    1,
    Math.min(tokens.contexts, Math.floor(options.maxTokens / contextSize)),
  );
  if (!known && !await isCausal(splicer, tokens.idsOf(0))) {
    return {
      reason:
        "its predictions look at later tokens, a model that reads from left to right is needed",
    };
  }
  const several = splicer.targets > 1;
  const inTurn = several && dictionary.layerwise !== false && splicer.inputsInOrder.every(Boolean);
  const sums: DownstreamSums = {
    clean: known?.clean ?? emptyLossSum(),
    sae: emptyLossSum(),
    zero: known?.zero ?? emptyLossSum(),
    mean: known?.mean ?? emptyLossSum(),
    running: inTurn ? emptyLossSum() : undefined,
    layers: several ? Array.from({ length: splicer.targets }, emptyLossSum) : [],
  };
  const most = contextsAtOnce(splicer.vocab, contextSize, options.contextsPerRun);
  for (let first = 0; first < contexts; first += most) {
    const count = Math.min(most, contexts - first);
    const ids = tokens.idsOf(first, count);
    const mask = Float32Array.from(ids, (id, i) => counted.keeps(i % contextSize, id) ? 1 : 0);
    const batch = { ids, count, length: contextSize, mask, baselines: !known };
    await addBatch(sums, dictionary, splicer, batch, options);
    const done = (first + count) * contextSize;
    options.onProgress({
      stage: "losses with reconstructions",
      done,
      total: contexts * contextSize,
      unit: "tokens",
    });
  }
  return sums;
}

/** The figures of sums, with what one has to know of them. */
export function downstreamOf(sums: DownstreamSums, ablatePositions: AblatePositions): Downstream {
  const where = ablatePositions === "all" ? "at every position" : "only where reconstructions are";
  const harmless = !(sums.zero.ce > sums.clean.ce);
  return {
    figures: downstreamFigures(sums),
    tokens: sums.clean.ceTokens,
    notes: [
      `zero and the mean are put ${where}`,
      ...(sums.layers.length > 0 ? ["all layers at once, made from the clean inputs"] : []),
      ...(sums.layers.length > 0 && !sums.running
        ? [
          "one layer after another is not defined: a layer's output needs the inputs of later ones",
        ]
        : []),
      ...(harmless ? ["zero does not raise the loss, so that loss recovered is undefined"] : []),
    ],
    ...(harmless ? { ablation_not_harmful: true } : {}),
    ablate_positions: ablatePositions,
  };
}

/** Contexts of one run, so that the log-probabilities of the whole vocabulary fit. */
export function contextsAtOnce(vocab: number | undefined, length: number, wanted = 16): number {
  const fits = Math.floor(MOST_LOG_PROB_BYTES / (4 * length * (vocab ?? 0)));
  return Math.max(1, Math.min(wanted, fits));
}

/** Whether a later token leaves the predictions before it alone. */
async function isCausal(splicer: Splicer, ids: Int32Array): Promise<boolean> {
  const other = ids.slice();
  const last = ids.length - 1;
  other[last] = ids.find((id) => id !== ids[last]) ?? (ids[last] === 0 ? 1 : 0);
  const [a, b] = [
    await splicer.clean(ids.slice(), 1, ids.length),
    await splicer.clean(other, 1, ids.length),
  ];
  for (let t = 0; t < last - 1; t++) {
    if (Math.abs(a.ce[t] - b.ce[t]) > 1e-3 * (1 + Math.abs(a.ce[t]))) return false;
  }
  return true;
}

/** Some contexts and which of their positions count. */
interface TokenBatch {
  ids: Int32Array;
  count: number;
  length: number;
  mask: Float32Array;
  /** Whether the runs without the dictionary are still to be made. */
  baselines: boolean;
}

async function addBatch(
  sums: DownstreamSums,
  dictionary: LoadedDictionary,
  splicer: Splicer,
  { ids, count, length, mask, baselines }: TokenBatch,
  { means, ablatePositions, signal }: DownstreamOptions,
): Promise<void> {
  const add = async (sum: LossSum, run: Promise<SplicedRun>) => {
    if (signal?.aborted) {
      throw new SdmError("Stopped before the losses were measured: nothing was written", {
        hint: "--downstream-tokens 0 leaves them out",
        exitCode: 130,
      });
    }
    addLosses(sum, await run, mask, length);
  };
  const clean = await splicer.clean(ids, count, length);
  const recon = await reconOf(dictionary, clean.inputs, clean.targets);
  await add(sums.sae, splicer.replace(recon, mask));
  if (baselines) {
    addLosses(sums.clean, { ce: clean.ce, kl: new Float32Array(ids.length) }, mask, length);
    const zeros = clean.targets.map((target) => new Float32Array(target.length));
    const where = ablatePositions === "all" ? undefined : mask;
    await add(sums.zero, splicer.replace(zeros, where));
    await add(sums.mean, splicer.replace(means.map((row) => repeated(row, ids.length)), where));
  }
  for (const [l, sum] of sums.layers.entries()) {
    await add(sum, splicer.replace(recon.map((rows, i) => i === l ? rows : undefined), mask));
  }
  if (sums.running) await add(sums.running, inTurn(dictionary, splicer, clean, mask));
}

/** Every layer's output from what the layer reads with those before it replaced. */
async function inTurn(
  dictionary: LoadedDictionary,
  splicer: Splicer,
  { inputs, targets }: CleanRun,
  mask: Float32Array,
): Promise<SplicedRun> {
  const read = [...inputs];
  for (let l = 0;; l++) {
    const recon = await reconOf(dictionary, read, targets);
    const { inputs: made, losses } = await splicer.replaceNext(l, recon[l], mask);
    if (losses) return losses;
    made.forEach((rows, i) => read[i] = rows ?? read[i]);
  }
}

/** Reconstructions of all rows, one matrix a target. */
async function reconOf(
  dictionary: LoadedDictionary,
  inputs: readonly Float32Array[],
  targets: readonly Float32Array[],
): Promise<Float32Array[]> {
  const { widths, maxRows, rowUnit } = dictionary;
  // An autoencoder has one point, its own target.
  const points = widths.length === 1 ? inputs : [...inputs, ...targets];
  const rows = points[0].length / widths[0];
  const step = Math.max(1, Math.floor(maxRows / rowUnit)) * rowUnit;
  const out = targets.map((target) => new Float32Array(target.length));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const parts = points.map((x, p) => x.subarray(first * widths[p], (first + count) * widths[p]));
    const { recon } = await dictionary.run(parts, true);
    out.forEach((rowsOut, t) => rowsOut.set(recon![t], first * (rowsOut.length / rows)));
  }
  return out;
}

function repeated(row: Float32Array, rows: number): Float32Array {
  const out = new Float32Array(rows * row.length);
  for (let r = 0; r < rows; r++) out.set(row, r * row.length);
  return out;
}
