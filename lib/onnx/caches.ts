/**
 * Attention that need not keep its keys and values.
 * @module
 */
import type { OnnxNode } from "./model.ts";
import { fieldText, joinBytes, readFields } from "./protobuf.ts";

/**
 * The node without the caches that it would give back, where nobody reads them.
 *
 * ONNX Runtime takes the shape of a new cache for that of the old one, and when the new one is no output puts it into the
 * old one's memory: in half precision, where its CPU makes copies of both, a run then fails since the new one is longer.
 */
export function withoutCaches(node: OnnxNode, read: ReadonlySet<string>): OnnxNode {
  if (node.op !== "GroupQueryAttention" || node.outputs.length < 2) return node;
  const unread = new Set(node.outputs.slice(1));
  if ([...unread].some((name) => read.has(name))) return node;
  const fields = readFields(node.bytes).filter((field) =>
    field.number !== 2 || !unread.has(fieldText(node.bytes, field))
  );
  const bytes = joinBytes(fields.map(({ start, end }) => node.bytes.subarray(start, end)));
  return { ...node, outputs: [node.outputs[0]], bytes };
}
