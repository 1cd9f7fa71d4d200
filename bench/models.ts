/**
 * Models of every family in the middle of their training, as far as time is concerned: random weights, biases with which
 * about k latents of a row are active, nothing dead.
 * @module
 */
import { SCREEN_AXES } from "../lib/blocks/coders/screened.ts";
import { SdmError } from "../lib/base/errors.ts";
import type { Gpu } from "../lib/gpu/device.ts";
import { readFloats } from "../lib/gpu/readback.ts";
import { writeRows } from "../lib/gpu/rows.ts";
import {
  type ModelFamily,
  type ModelOptions,
  modelOptions,
  type TrainableModel,
} from "../lib/models/types.ts";
import { draw, stepWords } from "./stage.ts";
import type { TrainShape } from "./types.ts";

/** More tokens than any bench sees: nothing dies. */
const NEVER = 0x7fffffff;

/** Scores of random rows are normal numbers; the value above which a share `p` of them lies, by bisection. */
export function normalBar(p: number): number {
  let low = -8, high = 8;
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > p) low = middle;
    else high = middle;
  }
  return low;
}

/** Share of normal numbers above `z`, by the trapezium rule up to 9, where nothing is left. */
function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const steps = 2000, h = (9 - z) / steps;
  const density = (x: number) => Math.exp(-x * x / 2);
  let sum = (density(z) + density(9)) / 2;
  for (let i = 1; i < steps; i++) sum += density(z + i * h);
  return sum * h / Math.sqrt(2 * Math.PI);
}

/** Tokens of a sequence of families that need whole ones. */
export function contextOf({ rows, d }: TrainShape): number {
  return Math.min(rows, d >= 768 ? 1024 : 128);
}

/** What the family is built from at a shape. */
export function benchOptions(
  family: Pick<ModelFamily, "defaults" | "needs">,
  shape: TrainShape,
  more: Partial<ModelOptions> = {},
): ModelOptions {
  const { rows, d, latents, k } = shape;
  return modelOptions({
    auxkCoefficient: 1 / 32,
    kAux: d / 2,
    deadAfterTokens: NEVER,
    context: family.needs.sequences ? contextOf(shape) : 0,
    ...family.defaults,
    ...more,
    rows,
    dIn: d,
    dSae: latents,
    k,
  });
}

/** First values by what a parameter is called; zero for all others. */
function valuesOf(
  name: string,
  rows: number,
  cols: number,
  bar: number,
): Float32Array | undefined {
  if (name === "W_skip") return draw(rows * cols, 14, 0.1 / Math.sqrt(cols));
  if (name.startsWith("W_")) return draw(rows * cols, 12, 1 / Math.sqrt(cols));
  if (/^ln_/.test(name)) return new Float32Array(rows * cols).fill(1);
  if (name === "threshold") return new Float32Array(cols).fill(0.1);
  if (name === "b_enc" || name === "b_gate") return new Float32Array(cols).fill(bar);
  return undefined;
}

/**
 * Builds a family with values in its parameters and a batch in its inputs.
 * @param bias what encoder biases become in place of what keeps k latents active, where scores decide on their own
 */
export function benchModel(
  gpu: Gpu,
  family: ModelFamily,
  shape: TrainShape,
  { options = {}, bias }: { options?: Partial<ModelOptions>; bias?: Float32Array } = {},
): TrainableModel {
  const { rows, d, latents, k } = shape;
  const built = benchOptions(family, shape, options);
  const model = family.build(gpu, built);
  // Families that select by count need no bar; where scores pass one by themselves, k of them shall.
  const free = ["relu", "jumprelu", "gated"].includes(built.activation);
  const bar = free ? -normalBar(k / latents) + (built.activation === "jumprelu" ? 0.1 : 0) : 0;
  for (const { name, value } of model.parameters) {
    const values = name === "b_enc" && bias ? bias : valuesOf(name, value.rows, value.cols, bar);
    if (values) writeRows(gpu, value, values);
  }
  model.inputs.forEach((input, i) => writeRows(gpu, input, draw(rows * d, 11 + i)));
  // Any axes cost what principal ones do.
  const axes = model.state.find(({ name }) => name === SCREEN_AXES);
  if (axes) gpu.device.queue.writeBuffer(axes.buffer, 0, draw(axes.words, 15, 1 / Math.sqrt(d)));
  gpu.device.queue.writeBuffer(model.space.step, 0, stepWords(k, rows));
  model.beforeStep?.(0);
  return model;
}

/** Figures of the last step. */
export interface StepCheck {
  /** Mean active latents a row, of all layers. */
  l0: number;
  /** Dead latents. */
  dead: number;
  /** Loss of AuxK; 0 where there is none. */
  auxLoss: number;
}

/**
 * Looks at the last row of the metrics ring.
 * @throws SdmError when the step went wrong, so that nothing fast but broken is recorded
 */
export async function checkStep(
  gpu: Gpu,
  model: TrainableModel,
  name: string,
  { k }: TrainShape,
): Promise<StepCheck> {
  const { buffer, fields } = model.ring;
  const ring = await readFloats(gpu, buffer, fields.length);
  const get = (metric: string) => ring[fields.findIndex((f) => f.name === metric)];
  const fvu = get("recon/fvu"), l0 = get("sparsity/l0"), dead = get("sparsity/dead");
  // A selection by row keeps no score below zero, one over layers counts each; a bar lets about k pass.
  if (!(Number.isFinite(fvu) && fvu > 0 && l0 > 0.5 * k && l0 < 4 * k)) {
    throw new SdmError(
      `Cannot time steps of ${name}: fvu ${fvu} and l0 ${l0} came out, ` +
        `a finite fvu and about ${k} are needed`,
    );
  }
  return { l0, dead, auxLoss: get("loss/auxk") ?? 0 };
}
