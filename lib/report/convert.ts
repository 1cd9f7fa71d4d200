/**
 * A dictionary that selects by count as one with thresholds, which are measured on held-out text.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { textOptions } from "../config/text_options.ts";
import { openTextInputs } from "../data/text_inputs.ts";
import { passOver } from "../evals/held_out.ts";
import { readHeldOut } from "../evals/evaluate.ts";
import { figuresOf } from "../evals/sums.ts";
import type { Measured } from "../evals/definitions.ts";
import { exists } from "../files/documents.ts";
import { openDictionary } from "../interop/detect.ts";
import { saveDictionary } from "../interop/save.ts";
import { asJumprelu } from "../models/calibrate.ts";
import { loadDictionary } from "../models/inference.ts";
import { openTunedGpu } from "../train/tuned_gpu.ts";
import type { EvaluateHooks, EvaluateRequest } from "./evaluate.ts";

/** What is converted. */
export interface ConvertRequest extends EvaluateRequest {
  /** Folder of the new dictionary. */
  out: string;
}

/** What came of it. */
export interface ConvertOutcome {
  /** Folder of the new dictionary. */
  path: string;
  /** Figures before and after on the tokens that the thresholds were measured on. */
  before: Measured[];
  /** See `before`. */
  after: Measured[];
  /** How many tokens. */
  tokens: number;
}

/**
 * Measures thresholds and writes the new dictionary.
 * @throws SdmError when the folder is taken, or when the dictionary does not select by count
 */
export async function convertDictionary(
  { path, config, out }: ConvertRequest,
  hooks: EvaluateHooks,
): Promise<ConvertOutcome> {
  if (await exists(out)) {
    throw new SdmError(`Cannot write to "${out}": it exists, a new folder is needed`);
  }
  const opened = await openDictionary(path);
  const gpu = await openTunedGpu(config.gpu, hooks.onProgress, hooks.signal);
  try {
    const inputs = await openTextInputs(textOptions(config, "held_out"), hooks);
    try {
      const data = await readHeldOut(inputs, { maxRows: config.train.eval_tokens, ...hooks });
      const record = await asJumprelu(gpu, opened.record, data.points.map(({ x }) => x));
      const figures = async (one: typeof record) => {
        const pass = await passOver(loadDictionary(gpu, one), data, { keepCodes: false });
        return figuresOf(pass.sums);
      };
      const before = await figures(opened.record);
      const after = await figures(record);
      await saveDictionary(out, record, opened.provenance, {});
      return { path: out, before, after, tokens: data.rows };
    } finally {
      await inputs.close();
    }
  } finally {
    gpu.close();
  }
}
