/**
 * Trained parameters with their gradients, and how the optimiser treats them.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { createRows, onlyShard, type Rows } from "../gpu/rows.ts";

/** How the optimiser and clipping treat a parameter. */
export interface ParameterTraits {
  /** Whether rows are kept at unit length and gradients orthogonal to them. */
  readonly unitRows: boolean;
  /** Whether its gradient counts for clipping and is clipped. */
  readonly clipped: boolean;
  /** Factor of the learning rate. */
  readonly lrFactor: number;
  /** Whether values below zero become zero after an update. */
  readonly nonNegative: boolean;
  /** Whether weight decay acts on it. */
  readonly decays: boolean;
}

/** A trained parameter and its gradient. Vectors are matrices of one row. */
export interface Parameter extends ParameterTraits {
  /** Name in checkpoints: `W_enc`, `b_enc`, `W_dec`, `b_dec`. */
  readonly name: string;
  /** The values. */
  readonly value: Rows;
  /** Their gradient, split like the values. */
  readonly grad: Rows;
}

/** Traits of an ordinary parameter. */
const PLAIN: ParameterTraits = {
  unitRows: false,
  clipped: true,
  lrFactor: 1,
  nonNegative: false,
  decays: true,
};

/** Makes a parameter with a zero gradient. */
export function createParameter(
  gpu: Gpu,
  name: string,
  rows: number,
  cols: number,
  traits: Partial<ParameterTraits> = {},
): Parameter {
  return {
    name,
    value: createRows(gpu, name, rows, cols),
    grad: createRows(gpu, `grad ${name}`, rows, cols),
    ...PLAIN,
    ...traits,
  };
}

/** A parameter that is never trained: it has no gradient of its own. */
export function frozenParameter(gpu: Gpu, name: string, rows: number, cols: number): Parameter {
  const value = createRows(gpu, name, rows, cols);
  return { name, value, grad: value, ...PLAIN };
}

/** The buffer of a parameter that is a vector. */
export function vectorOf(parameter: Parameter): GPUBuffer {
  return onlyShard(parameter.value);
}

/** The buffer of a vector's gradient. */
export function gradOf(parameter: Parameter): GPUBuffer {
  return onlyShard(parameter.grad);
}
