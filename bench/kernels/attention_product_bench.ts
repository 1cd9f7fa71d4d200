/**
 * The three products of attention: eight heads of width 64 on sequences of 128 rows, and of 1024 at the wide shape.
 * @module
 */
import { attentionProduct, type ProductForm } from "../../lib/kernels/attention_product.ts";
import { patternFloats, type Strip } from "../../lib/kernels/strip.ts";
import { DEMO, type Stage, WIDE } from "../stage.ts";
import type { BenchCase, KernelBench, TrainShape } from "../types.ts";

const HEADS = 8;
const HEAD = 64;

/** Whole sequences of a batch. */
export function stripOf({ rows }: TrainShape, length: number): Strip {
  return {
    heads: HEADS,
    sequences: rows / length,
    length,
    firstSequence: 0,
    firstQuery: 0,
    queries: length,
  };
}

function one(stage: Stage, shape: TrainShape, length: number, form: ProductForm): BenchCase {
  const { rows, d } = shape;
  const strip = stripOf(shape, length);
  const floats = patternFloats(strip);
  const heads = HEADS * HEAD;
  const pattern = form === "scores"
    ? stage.room(floats)
    : stage.sheet(HEADS * rows, length, 3, 1 / length);
  const q = { buffer: stage.sheet(rows, heads, 1), stride: heads, head: HEAD };
  const k = { buffer: stage.sheet(rows, heads, 2), stride: heads, head: HEAD };
  const x = { buffer: stage.sheet(rows, d, 4), stride: d };
  const mixed = () => ({ buffer: stage.room(HEADS * rows * d), stride: d, head: rows * d });
  const gradient = () => ({ buffer: stage.room(rows * heads), stride: heads, head: HEAD });
  const width = form === "mix" ? d : HEAD;
  const side = form === "scores" ? q : form === "mix" ? mixed() : gradient();
  const right = form === "scores" ? k : form === "mix" ? x : q;
  return {
    shape: `${form} ${rows} rows of ${length}, ${HEADS} heads, width ${width}`,
    cost: attentionProduct.cost({ rows: HEADS * rows, n: length, d: width }),
    commands: attentionProduct.record(stage.gpu, { form, strip, pattern, side, right, width }),
    output: form === "scores" ? pattern : side.buffer,
  };
}

/** The bench. */
export const bench: KernelBench = {
  stem: "attention_product",
  cases: (stage) =>
    (["scores", "mix", "spread"] as const).flatMap((form) => [
      one(stage, DEMO, 128, form),
      ...stage.full ? [one(stage, WIDE, 1024, form)] : [],
    ]),
};
