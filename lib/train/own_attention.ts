/**
 * The model's own attention, for first values of low-rank sparse attention.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { ResolvedConfig } from "../config/types.ts";
import type { AttentionSource } from "../models/attention_source.ts";
import { attentionWeights } from "../onnx/attention_weights.ts";
import { loadModel } from "../onnx/graph.ts";
import { resolveHookpoint } from "../onnx/hookpoints.ts";

/**
 * Weights of the attention that writes `model.hookpoint_out`, out of `model.onnx`.
 * @throws SdmError without a model, for another hookpoint, and where that attention does not read `model.hookpoint`
 */
export async function ownAttention({ model }: ResolvedConfig): Promise<AttentionSource> {
  const { onnx, hookpoint, hookpoint_out: written } = model;
  const doing = "Cannot start from the model's attention";
  const other = { hint: 'dictionary.lorsa_init = "default" starts at random' };
  if (onnx === undefined || hookpoint === undefined || written === undefined) {
    throw new SdmError(
      `${doing}: the configuration lacks its place, model.onnx, model.hookpoint and ` +
        "model.hookpoint_out are needed",
      other,
    );
  }
  const graph = await loadModel(onnx);
  const weights = attentionWeights(graph, resolveHookpoint(graph, written));
  const { tensor } = resolveHookpoint(graph, hookpoint);
  if (tensor !== weights.input) {
    throw new SdmError(
      `${doing}: "${written}" is made of "${weights.input}", model.hookpoint "${hookpoint}" ` +
        `reads "${tensor}"`,
      other,
    );
  }
  return weights;
}
