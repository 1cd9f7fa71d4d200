/**
 * Measures a dictionary on held-out text beside two baselines: PCA truncated to k components a row, and the same family
 * untrained.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { sequentialRows } from "../data/sequential_rows.ts";
import type { TextInputs } from "../data/text_inputs.ts";
import type { PointFacts } from "../data/types.ts";
import { meanRow } from "../blocks/norms/geometric_median.ts";
import type { Gpu } from "../gpu/device.ts";
import { loadDictionary, type LoadedDictionary } from "../models/inference.ts";
import type { TrainedRecord } from "../models/record.ts";
import type { StartFacts } from "../models/types.ts";
import type { Measured } from "./definitions.ts";
import { type HeldOutPass, type HeldOutRows, passOver, targetsOf } from "./held_out.ts";
import { pcaFigures } from "./pca.ts";
import { densityFigures, figuresOf } from "./sums.ts";

/** The dictionary or a baseline, with its figures. */
export interface Contender {
  /** Shown name. */
  name: string;
  /** One sentence on what it is. */
  what: string;
  /** Figures. */
  figures: Measured[];
}

/** Held-out rows with their places in the text. */
export interface PlacedRows extends HeldOutRows {
  /** Context of each row. */
  context: Uint32Array;
  /** Position of each row in its context. */
  position: Uint32Array;
}

/** What an evaluation found. */
export interface Evaluation {
  /** The dictionary first, then the baselines. */
  contenders: Contender[];
  /** The rows. */
  data: PlacedRows;
  /** The dictionary's pass over them, with its code. */
  pass: HeldOutPass;
  /** The dictionary, on the device. */
  dictionary: LoadedDictionary;
}

/** What to evaluate. */
export interface EvaluateOptions {
  /** Rows to read at most. */
  maxRows: number;
  /** Makes the same family with its first weights, where that can be known. */
  untrained?: (facts: StartFacts) => TrainedRecord;
  /** Receives progress. */
  onProgress: OnProgress;
  /** Stops between two pieces. */
  signal?: AbortSignal;
}

/** Reads held-out rows in text order; whole contexts where they are kept whole. */
export async function readHeldOut(
  inputs: TextInputs,
  { maxRows, onProgress, signal }: Pick<EvaluateOptions, "maxRows" | "onProgress" | "signal">,
): Promise<PlacedRows> {
  const { points, kept, counted, tokens } = inputs;
  const unit = counted ? tokens.contextSize : 1;
  const rows = Math.max(1, Math.floor(Math.min(maxRows, kept.rows) / unit)) * unit;
  const data: PlacedRows = {
    rows,
    points: points.map(({ d }) => ({ d, x: new Float32Array(rows * d) })),
    context: new Uint32Array(rows),
    position: new Uint32Array(rows),
    mask: counted && new Float32Array(rows),
  };
  let done = 0;
  for await (const piece of sequentialRows({ ...inputs, maxRows: rows })) {
    if (signal?.aborted) {
      throw new SdmError("Stopped before the evaluation was done: nothing was written", {
        hint: "sdm report measures again",
        exitCode: 130,
      });
    }
    data.points.forEach(({ d, x }, p) => x.set(piece.points[p], done * d));
    data.context.set(piece.context, done);
    data.position.set(piece.position, done);
    if (piece.mask) data.mask?.set(piece.mask, done);
    done += piece.rows;
    onProgress({ stage: "read held-out text", done, total: rows, unit: "tokens" });
  }
  return data;
}

/**
 * Evaluates a dictionary.
 * @throws SdmError when the dictionary's widths are not those of the activations
 */
export async function evaluateDictionary(
  gpu: Gpu,
  record: TrainedRecord,
  inputs: TextInputs,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const trained = loadDictionary(gpu, record);
  checkWidths(trained.widths, inputs.points);
  const data = await readHeldOut(inputs, options);
  const tell = (stage: string) => (done: number) =>
    options.onProgress({ stage, done, total: data.rows, unit: "tokens" });
  const pass = await passOver(trained, data, { keepCodes: true, onRows: tell("evaluate") });
  const contenders: Contender[] = [{
    name: "trained",
    what: `The dictionary: ${trained.latents} latents.`,
    figures: figuresOfPass(pass),
  }];
  if (data.points.length === 1) contenders.push(await pcaContender(gpu, record, data, pass));
  if (options.untrained) {
    const facts = {
      bDec: targetsOf(data.points).map(({ d, x }) => meanRow(x, d)),
      meanInput: data.points.map(({ d, x }) => meanRow(x, d)),
      sample: data.points[0].x.subarray(0, SAMPLE_ROWS * data.points[0].d),
      scales: data.points.map(() => 1),
    };
    const first = loadDictionary(gpu, options.untrained(facts));
    contenders.push({
      name: "untrained",
      what:
        "The same family with its first random weights; its output bias is the mean of these tokens.",
      figures: figuresOfPass(await passOver(first, data, { keepCodes: false })),
    });
  }
  return { contenders, data, pass, dictionary: trained };
}

/**
 * The figures of a dictionary by itself, on rows that are read, and the dictionary on the device.
 * @throws SdmError when the dictionary's widths are not those of the rows
 */
export async function figuresOn(
  gpu: Gpu,
  record: TrainedRecord,
  data: HeldOutRows,
  points: readonly PointFacts[],
): Promise<{ figures: Measured[]; dictionary: LoadedDictionary }> {
  const dictionary = loadDictionary(gpu, record);
  checkWidths(dictionary.widths, points);
  const figures = figuresOfPass(await passOver(dictionary, data, { keepCodes: false }));
  return { figures, dictionary };
}

/** Rows that first weights may look at. */
const SAMPLE_ROWS = 4096;

function figuresOfPass({ sums, fired }: HeldOutPass): Measured[] {
  return [...figuresOf(sums), ...densityFigures(fired, sums[0].rows)];
}

function checkWidths(widths: readonly number[], points: readonly PointFacts[]): void {
  if (widths.length !== points.length) {
    throw new SdmError(
      `Cannot evaluate: the dictionary reads and writes ${widths.length} hookpoints, ` +
        `${points.length} are named`,
    );
  }
  points.forEach(({ name, d }, i) => {
    if (d === widths[i]) return;
    const what = i === 0 ? "d_in" : `width ${i}`;
    throw new SdmError(
      `Cannot evaluate: the dictionary has ${what} ${
        widths[i]
      }, activations at "${name}" have ${d}`,
      { hint: "name the hookpoint that the dictionary was trained at" },
    );
  });
}

/** PCA with as many components a row as the dictionary has active latents. */
async function pcaContender(
  gpu: Gpu,
  { activation, dIn }: TrainedRecord,
  data: HeldOutRows,
  { sums: [{ active, rows }] }: HeldOutPass,
): Promise<Contender> {
  const k = Math.min(dIn, "k" in activation ? Math.round(activation.k) : Math.round(active / rows));
  return {
    name: `PCA, k = ${k}`,
    what: `The ${k} principal components that are largest in magnitude on each token; ` +
      "fitted on these very tokens, which favours it.",
    figures: await pcaFigures(gpu, { rows: data.rows, ...data.points[0] }, k),
  };
}
