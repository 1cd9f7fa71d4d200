/**
 * The few operations of a language model that a check of its hookpoints does again, in float64.
 * @module
 */
import { constantFloats } from "./constants.ts";
import { strip, weightOf } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { epsilonSource, type Norm, vectorOperand } from "./norm.ts";
import type { Linear } from "./products.ts";
import { attributeOf, tensorFloats } from "./tensors.ts";

/** ‖a − b‖ / ‖b‖; infinite when the lengths differ or a number is not finite. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let off = 0, size = 0;
  for (let i = 0; i < a.length; i++) {
    off += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  if (!Number.isFinite(off + size)) return Infinity;
  return size === 0 ? Math.sqrt(off) : Math.sqrt(off / size);
}

/** Sum of arrays of one length. */
export function sumOf(parts: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(
    { length: parts[0].length },
    (_, i) => parts.reduce((sum, part) => sum + part[i], 0),
  );
}

/** What a norm of the graph makes of rows [n, d]; undefined when its constants cannot be read. */
export function applyNorm(
  model: OnnxModel,
  norm: Norm,
  rows: ArrayLike<number>,
  d: number,
): Float64Array | undefined {
  const gain = norm.gain === undefined ? undefined : constantFloats(model, norm.gain);
  const bias = norm.bias === undefined ? undefined : constantFloats(model, norm.bias);
  if ((norm.gain !== undefined && !gain) || (norm.bias !== undefined && !bias)) return undefined;
  const epsilon = epsilonOf(model, norm);
  if (epsilon === undefined) return undefined;
  const out = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at += d) {
    let mean = 0, square = 0;
    if (norm.centred) { for (let i = 0; i < d; i++) mean += rows[at + i] / d; }
    for (let i = 0; i < d; i++) square += (rows[at + i] - mean) ** 2 / d;
    const scale = 1 / Math.sqrt(square + epsilon);
    for (let i = 0; i < d; i++) {
      out[at + i] = (rows[at + i] - mean) * scale * (gain?.[i] ?? 1) + (bias?.[i] ?? 0);
    }
  }
  return out;
}

function epsilonOf(model: OnnxModel, norm: Norm): number | undefined {
  const source = epsilonSource(model, norm);
  if (!source) return undefined;
  if ("node" in source) return attributeOf(source.node, "epsilon")?.float ?? 1e-5;
  return constantFloats(model, source.tensor)?.[0];
}

/** What is done to the logits behind the product that makes them. */
type Step = (x: number, column: number) => number;

/** Logits of rows [n, d]; undefined when a step between the product and the output is not known. */
export function applyUnembedding(
  model: OnnxModel,
  linear: Linear,
  rows: Float32Array,
  output: string,
): Float64Array | undefined {
  const tensor = weightOf(model, linear.weight);
  const weight = tensor && tensorFloats(model, tensor);
  const steps = stepsBehind(model, linear.node, output);
  const { in: d, out: vocab } = linear;
  if (!weight || !steps || d === undefined || vocab === undefined) return undefined;
  const count = rows.length / d;
  const out = new Float64Array(count * vocab);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < vocab; column++) {
      let sum = 0;
      for (let i = 0; i < d; i++) {
        sum += rows[row * d + i] * weight[linear.outFirst ? column * d + i : i * vocab + column];
      }
      out[row * vocab + column] = steps.reduce((x, step) => step(x, column), sum);
    }
  }
  return out;
}

/** Biases, scales and soft caps between a product and the output, in order. */
function stepsBehind(model: OnnxModel, product: OnnxNode, output: string): Step[] | undefined {
  const steps: Step[] = [];
  for (let name = strip(model, output), count = 0; count < 12; count++) {
    const node = model.producers.get(name);
    if (!node) return undefined;
    if (node === product) {
      const bias = node.op === "Gemm" && node.inputs[2] && constantFloats(model, node.inputs[2]);
      if (bias) steps.unshift((x, column) => x + bias[column % bias.length]);
      return steps;
    }
    const made = stepOf(model, node);
    if (!made) return undefined;
    if (made.step) steps.unshift(made.step);
    name = strip(model, made.input);
  }
  return undefined;
}

function stepOf(
  model: OnnxModel,
  node: OnnxNode,
): { input: string; step?: Step } | undefined {
  if (node.op === "Tanh") return { input: node.inputs[0], step: (x) => Math.tanh(x) };
  if (node.op === "Reshape") return { input: node.inputs[0] };
  const vector = vectorOperand(model, node);
  const at = node.inputs.findIndex((name) => constantFloats(model, name) !== undefined);
  const values = vector
    ? constantFloats(model, vector.vector)
    : at >= 0
    ? constantFloats(model, node.inputs[at])
    : undefined;
  if (!values) return undefined;
  const input = vector?.other ?? node.inputs[1 - at];
  const value = (column: number) => values[values.length === 1 ? 0 : column];
  switch (node.op) {
    case "Add":
      return { input, step: (x, column) => x + value(column) };
    case "Mul":
      return { input, step: (x, column) => x * value(column) };
    case "Div":
      return at === 1 ? { input, step: (x, column) => x / value(column) } : undefined;
  }
  return undefined;
}
