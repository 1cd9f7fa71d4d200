/** ONNX Runtime as it is, for graphs before and after we touch them. */
import * as ort from "onnxruntime-node";
import { planFeeds } from "../../lib/onnx/feeds.ts";
import type { OnnxModel } from "../../lib/onnx/model.ts";
import { writeModel } from "../../lib/onnx/write.ts";

/** Outputs of a model for `batch` rows of ids, with the optimiser off unless told otherwise. */
export async function outputsOf(
  model: OnnxModel,
  names: readonly string[],
  level: "disabled" | "all" = "disabled",
  batch = 2,
  length = 8,
): Promise<Float32Array[]> {
  const session = await ort.InferenceSession.create(writeModel(model), {
    graphOptimizationLevel: level,
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  try {
    const ids = Int32Array.from({ length: batch * length }, (_, i) => 3 + (i * 37) % 60);
    const inputs = model.inputs.map((input) => input.name);
    const feeds = Object.fromEntries(
      [...planFeeds(model, inputs, ort.Tensor)].map(([name, make]) => [
        name,
        make(ids, batch, length) as ort.Tensor,
      ]),
    );
    const results = await session.run(feeds, [...names]);
    return names.map((name) => results[name].data as Float32Array);
  } finally {
    await session.release();
  }
}
