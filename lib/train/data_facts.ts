/**
 * What a plan has to know of the data, without running the model where its graph tells.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { silent } from "../base/progress.ts";
import { FAMILIES } from "../config/families.ts";
import type { WidthFacts } from "../config/resolve.ts";
import { modelOptions, textOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import { commonWidths } from "../data/points.ts";
import { openTappedModel } from "../data/tapped_model.ts";
import type { PointFacts } from "../data/types.ts";
import { loadModel } from "../onnx/graph.ts";
import { expandHookpoints } from "../onnx/hookpoints.ts";
import type { DataFacts } from "./forecast_sizes.ts";
import { deviceBlocksOf, openTrainInputs } from "./inputs.ts";
import { blockRowsOf } from "./plan.ts";

/** Widths, and what is held in memory. */
export interface KnownData {
  /** Widths and layers. */
  widths: WidthFacts;
  /** Sizes of the data. */
  data: DataFacts;
}

/** Numbers of a row, all points together. */
export function rowWidth(config: Config, { dIn, dOut = dIn, layers = 1 }: WidthFacts): number {
  return FAMILIES[config.dictionary.type].points === "one" ? dIn : layers * (dIn + dOut);
}

/** Bytes of the language model's files, and tokens of text that are read at most. */
export async function textFacts(config: Config): Promise<Omit<DataFacts, "width">> {
  const { onnx } = config.model;
  if (config.data.activations !== undefined || onnx === undefined) {
    return { tokens: 0, modelBytes: 0 };
  }
  const size = async (path: string) => await Deno.stat(path).then((file) => file.size, () => 0);
  const beside = [`${onnx}_data`, `${onnx}.data`, onnx.replace(/\.onnx$/, ".data")];
  const sizes = await Promise.all([onnx, ...beside].map(size));
  return {
    tokens: config.data.text ?? config.data.dataset
      ? textOptions(config, "train").maxTokens ?? 0
      : 0,
    modelBytes: sizes.reduce((a, b) => a + b, 0),
  };
}

/** Points of the model with the widths that its graph declares; without those a token is run through it. */
async function modelPoints(config: Config): Promise<readonly PointFacts[]> {
  const options = modelOptions(config);
  const graph = await loadModel(options.model);
  const inputs = expandHookpoints(graph, options.inputs);
  const points = [...inputs, ...expandHookpoints(graph, options.outputs)];
  if (points.every(({ d }) => d !== undefined)) {
    return points.map(({ name, tensor, d = 0 }, p): PointFacts => ({
      name,
      tensor,
      d,
      ...p >= inputs.length && { role: "target" },
    }));
  }
  const model = await openTappedModel(options);
  await model.runner.close();
  return model.points;
}

/**
 * Widths of the activations: of the store, of the model, or as `dictionary.d_in` says where neither is named.
 * @throws SdmError when nothing tells
 */
export async function knownData(config: Config): Promise<KnownData> {
  const { dictionary, data, model } = config;
  const known = async (widths: WidthFacts) => ({
    widths,
    data: { width: rowWidth(config, widths), ...await textFacts(config) },
  });
  const { points, sequences } = FAMILIES[dictionary.type];
  if (data.activations !== undefined) {
    const inputs = await openTrainInputs(config, 1, { onProgress: silent });
    await inputs.close();
    const { data, widths } = await known(inputs.widths);
    return { widths, data: { ...data, batchesPerEpoch: inputs.batches.batchesPerEpoch } };
  }
  const contextSize = sequences ? data.context_size : undefined;
  if (model.onnx !== undefined) {
    const found = await modelPoints(config);
    const { dIn, dOut, layers } = commonWidths(found);
    const many = points === "layers" ? layers : undefined;
    const all = await known({ dIn, dOut, layers: many, contextSize });
    if (model.provider !== "webgpu") return all;
    const blocks = deviceBlocksOf(config, blockRowsOf(config), found);
    return { ...all, data: { ...all.data, blocks } };
  }
  if (dictionary.d_in === undefined) {
    throw new SdmError(
      "Cannot plan: no model, no activation store and no width, one of them is needed",
      { hint: "sdm plan --onnx model.onnx --hookpoint NAME, or sdm plan --no-probe --d-in 768" },
    );
  }
  return await known({
    dIn: dictionary.d_in,
    dOut: dictionary.d_out,
    layers: dictionary.n_layers,
    contextSize,
  });
}
