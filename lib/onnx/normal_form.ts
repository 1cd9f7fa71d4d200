/**
 * The one form of graph that the rest of the program sees: residual sums are Adds, the decoder is the main graph.
 *
 * A sum and a norm in place of a node that does both cost little: none that could be measured in float32, the only type
 * in which it was; ONNX Runtime's optimiser fuses them again where nobody looks.
 * @module
 */
import { takeBranches } from "./branches.ts";
import type { OnnxModel } from "./model.ts";
import { unfuseNorms } from "./unfuse.ts";

/**
 * The model with the branch of a merged decoder that has no past as its graph, and with sums that were fused into norms
 * taken out of them; the model itself when there is nothing to do.
 */
export function normalForm(model: OnnxModel): OnnxModel {
  return unfuseNorms(takeBranches(model));
}
