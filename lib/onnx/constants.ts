/**
 * Numbers that a graph computes from its weights alone, such as a norm's `1 + weight`.
 * @module
 */
import { weightOf } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { factsOf } from "./shapes.ts";
import { tensorFloats } from "./tensors.ts";

const SEEN_THROUGH = new Set(["Identity", "Cast", "Reshape", "Unsqueeze", "Squeeze", "Dropout"]);
const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

/**
 * A constant tensor as float32, row-major; undefined when it depends on inputs or is kept as something else than floats.
 * @throws SdmError when its data cannot be read
 */
export function constantFloats(
  model: OnnxModel,
  tensor: string,
  depth = 0,
): Float32Array<ArrayBuffer> | undefined {
  const node = model.producers.get(tensor);
  const held = model.initializers.has(tensor) || node?.op === "Constant";
  if (held) {
    const weight = weightOf(model, tensor);
    return weight && tensorFloats(model, weight);
  }
  if (!node || depth > 12) return undefined;
  const input = (i: number) => constantFloats(model, node.inputs[i], depth + 1);
  if (SEEN_THROUGH.has(node.op)) return input(0);
  const combine = ARITHMETIC[node.op];
  if (combine) return elementwise(input(0), input(1), combine);
  return node.op === "Transpose" ? transposed(model, node, input(0)) : undefined;
}

/** Two arrays of one size, or one of them a single number. */
function elementwise(
  a: Float32Array | undefined,
  b: Float32Array | undefined,
  combine: (a: number, b: number) => number,
): Float32Array<ArrayBuffer> | undefined {
  if (!a || !b) return undefined;
  const size = Math.max(a.length, b.length);
  if ([a, b].some(({ length }) => length !== size && length !== 1)) return undefined;
  return Float32Array.from(
    { length: size },
    (_, i) => combine(a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]),
  );
}

function transposed(
  model: OnnxModel,
  node: OnnxNode,
  data: Float32Array | undefined,
): Float32Array<ArrayBuffer> | undefined {
  const dims = factsOf(model, node.inputs[0]).dims;
  const [rows, cols] = dims ?? [];
  const matrix = dims?.length === 2 && typeof rows === "number" && typeof cols === "number";
  if (!data || !matrix) return undefined;
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c];
  }
  return out;
}
