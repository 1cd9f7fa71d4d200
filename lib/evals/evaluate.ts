/**
 * Measures a dictionary on held-out text beside two baselines: PCA truncated to k components a row, and the same family
 * untrained.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { sequentialRows } from "../data/sequential_rows.ts";
import type { TextInputs } from "../data/text_inputs.ts";
import { meanRow } from "../blocks/norms/geometric_median.ts";
import type { Gpu } from "../gpu/device.ts";
import { loadDictionary } from "../models/inference.ts";
import { familyOf } from "../models/mod.ts";
import type { DictionaryRecord } from "../models/record.ts";
import { modelOptions } from "../models/types.ts";
import type { Measured } from "./definitions.ts";
import { type HeldOutPass, type HeldOutRows, passOver } from "./held_out.ts";
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
}

/** What to evaluate. */
export interface EvaluateOptions {
  /** Rows to read at most. */
  maxRows: number;
  /** Seed of the untrained baseline. */
  seed: number;
  /** Receives progress. */
  onProgress: OnProgress;
  /** Stops between two pieces. */
  signal?: AbortSignal;
}

/** Reads held-out rows in text order. */
export async function readHeldOut(
  inputs: TextInputs,
  { maxRows, onProgress, signal }: EvaluateOptions,
): Promise<PlacedRows> {
  const rows = Math.min(maxRows, inputs.kept.rows);
  const d = inputs.point.d;
  const data: PlacedRows = {
    rows,
    d,
    x: new Float32Array(rows * d),
    context: new Uint32Array(rows),
    position: new Uint32Array(rows),
  };
  let done = 0;
  for await (const piece of sequentialRows({ ...inputs, points: [inputs.point], maxRows: rows })) {
    if (signal?.aborted) {
      throw new SdmError("Stopped before the evaluation was done: nothing was written", {
        hint: "sdm report measures again",
        exitCode: 130,
      });
    }
    data.x.set(piece.points[0], done * d);
    data.context.set(piece.context, done);
    data.position.set(piece.position, done);
    done += piece.rows;
    onProgress({ stage: "read held-out text", done, total: rows, unit: "tokens" });
  }
  return data;
}

/**
 * Evaluates a dictionary.
 * @throws SdmError when the dictionary's width is not that of the activations
 */
export async function evaluateDictionary(
  gpu: Gpu,
  record: DictionaryRecord,
  inputs: TextInputs,
  options: EvaluateOptions,
): Promise<Evaluation> {
  if (record.dIn !== inputs.point.d) {
    throw new SdmError(
      `Cannot evaluate: the dictionary has d_in ${record.dIn}, ` +
        `activations at "${inputs.point.name}" have ${inputs.point.d}`,
      { hint: "name the hookpoint that the dictionary was trained at" },
    );
  }
  const data = await readHeldOut(inputs, options);
  const trained = loadDictionary(gpu, record);
  const tell = (stage: string) => (done: number) =>
    options.onProgress({ stage, done, total: data.rows, unit: "tokens" });
  const pass = await passOver(trained, record.dSae, data, {
    keepCodes: true,
    onRows: tell("evaluate"),
  });
  const untrained = await untrainedFigures(gpu, record, data, options.seed);
  const k = record.activation.name === "topk" ? record.activation.k : record.dIn;
  return {
    contenders: [
      {
        name: "trained",
        what: `The dictionary: ${record.dSae} latents.`,
        figures: [...figuresOf(pass.sums), ...densityFigures(pass.fired, data.rows)],
      },
      {
        name: `PCA, k = ${k}`,
        what: `The ${k} principal components that are largest in magnitude on each token; ` +
          "fitted on these very tokens, which favours it.",
        figures: await pcaFigures(gpu, data, k),
      },
      {
        name: "untrained",
        what:
          "The same family with its first random weights; its output bias is the mean of these tokens.",
        figures: untrained,
      },
    ],
    data,
    pass,
  };
}

async function untrainedFigures(
  gpu: Gpu,
  record: DictionaryRecord,
  data: HeldOutRows,
  seed: number,
): Promise<Measured[]> {
  const { dIn, dOut, dSae, activation } = record;
  const family = familyOf(activation.name);
  const k = activation.name === "topk" ? activation.k : 0;
  const mean = meanRow(data.x, data.d);
  const options = modelOptions({ rows: 1, dIn, dOut, dSae, k });
  const start = { bDec: [mean], meanInput: [mean], sample: data.x, scales: [1] };
  const first = family.record(options, family.initial(options, seed, start));
  const pass = await passOver(loadDictionary(gpu, first), dSae, data, { keepCodes: false });
  return [...figuresOf(pass.sums), ...densityFigures(pass.fired, data.rows)];
}
