/**
 * What `sdm hooks` prints: facts, tables of hookpoints and tensors, an explanation, a check.
 * @module
 */
import type { HookCheck } from "../onnx/check_hooks.ts";
import type { ModelDescription } from "../onnx/describe.ts";
import type { Explanation } from "../onnx/explain.ts";
import type { TensorRow } from "../onnx/listing.ts";
import type { Hookpoint } from "../onnx/types.ts";
import type { Column } from "../report/terminal.ts";
import type { Style } from "./terminal/style.ts";
import { factLines, tableLines } from "./terminal/table.ts";

/** Facts of the model as a whole. */
export function modelLines(model: string, facts: ModelDescription, style: Style): string[] {
  const words: [string, unknown][] = [
    ["model", model],
    ["written by", facts.producer],
    ["opset", facts.opset],
    ["layers", facts.layers || undefined],
    ["vocabulary", facts.vocab],
    ["longest context", facts.contextLimit],
    ["no canonical names", facts.trouble],
    ["no unembedding", facts.trouble === undefined ? facts.noUnembedding : undefined],
  ];
  const known = words.filter(([, value]) => value !== undefined && value !== "");
  return factLines(known.map(([label, value]) => [label, String(value)]), style);
}

/** `batch_size x sequence_length x 192`. */
function shapeText(shape: readonly (number | string)[] | undefined): string {
  if (!shape) return "?";
  return shape.length === 0 ? "scalar" : shape.join(" x ");
}

/** Table of hookpoints. */
export function pointLines(points: readonly Hookpoint[], style: Style): string[] {
  const columns: Column[] = ["hookpoint", "tensor", "shape", "dtype", "confidence"].map((
    title,
  ) => ({
    title,
  }));
  const rows = points.map(({ name, tensor, shape, dtype, confidence }) => [
    name,
    tensor,
    shapeText(shape),
    dtype,
    confidence,
  ]);
  return tableLines(columns, rows, style);
}

/** Table of all tensors. */
export function tensorLines(tensors: readonly TensorRow[], style: Style): string[] {
  const columns: Column[] = ["tensor", "shape", "dtype", "made by", "hookpoint"].map((title) => ({
    title,
  }));
  const rows = tensors.map(({ tensor, shape, dtype, op, hookpoints }) => [
    tensor,
    shapeText(shape),
    dtype,
    op,
    hookpoints.join(" "),
  ]);
  return tableLines(columns, rows, style);
}

/** An explanation, numbered. */
export function explanationLines({ point, steps }: Explanation, style: Style): string[] {
  const what = `${style.bold(point.name)}  ${point.tensor}`;
  const facts = `${shapeText(point.shape)}, ${point.dtype}, ${point.confidence}`;
  return [what, facts, "", ...steps.map((step, i) => `${String(i + 1).padStart(2)}. ${step}`)];
}

/** What a check measured. */
export function checkLines(check: HookCheck, style: Style): string[] {
  const rows = check.tests.map(({ name, error, tolerance, differs, passed }) => [
    passed ? "pass" : "FAIL",
    error.toExponential(1),
    `${differs ? "over" : "under"} ${tolerance}`,
    name,
  ]);
  const columns: Column[] = [
    { title: "" },
    { title: "difference", align: "right" },
    { title: "needed" },
    { title: "measured" },
  ];
  const failed = check.tests.filter((test) => !test.passed).length;
  const looks = check.causal === undefined
    ? ""
    : check.causal
    ? "; no position depends on later tokens"
    : "; positions depend on later tokens";
  const total = failed === 0
    ? `all ${check.tests.length} tests passed${looks}`
    : `${failed} of ${check.tests.length} tests failed${looks}`;
  const skipped = check.skipped.map((text) => `not measured: ${text}`);
  return [...tableLines(columns, rows, style), "", total, ...skipped];
}
