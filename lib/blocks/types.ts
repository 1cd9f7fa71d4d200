/**
 * What the blocks of a model have in common: parameters, the workspace of a batch, and the properties that shared code
 * asks for instead of a family's name.
 * @module
 */
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { createRows, onlyShard, type Rows } from "../gpu/rows.ts";
import { createScalars, RING_FIELDS, STEP } from "../kernels/common.ts";
import { STATS } from "../kernels/residual_rows.ts";

/** A trained parameter and its gradient. Vectors are matrices of one row. */
export interface Parameter {
  /** Name in checkpoints: `W_enc`, `b_enc`, `W_dec`, `b_dec`. */
  readonly name: string;
  /** The values. */
  readonly value: Rows;
  /** Their gradient, split like the values. */
  readonly grad: Rows;
  /** Whether rows are kept at unit length and gradients orthogonal to them. */
  readonly unitRows: boolean;
}

/** Sizes that every block knows. */
export interface BlockShape {
  /** Rows of a batch. */
  rows: number;
  /** Input width. */
  dIn: number;
  /** Output width. */
  dOut: number;
  /** Number of latents. */
  dSae: number;
}

/** How a gate chooses: what the trainer and exporters need to know of it. */
export type GateScope = "row" | "batch" | "layer" | "threshold" | "sequence";

/** Buffers of a batch that more than one block touches. */
export interface Workspace {
  /** f32 [rows, dIn]: the batch. */
  readonly x: Rows;
  /** f32 [rows, dIn]: the batch less the input bias. */
  readonly centred: Rows;
  /** f32 [rows, dOut]: what should come out; the batch itself in a plain autoencoder. */
  readonly target: Rows;
  /** f32 [dOut]: sum of the target's rows. */
  readonly targetSum: GPUBuffer;
  /** f32 [rows, dOut]. */
  readonly recon: Rows;
  /** f32 [rows, dOut]. */
  readonly residual: Rows;
  /** f32 [rows, STATS] and their sums [STATS]. */
  readonly stats: GPUBuffer;
  /** f32 [STATS]. */
  readonly statSums: GPUBuffer;
  /** Numbers from the host, see `STEP`. */
  readonly step: GPUBuffer;
  /** Numbers between kernels, see `SCALARS`. */
  readonly scalars: GPUBuffer;
  /** Metrics ring, rows of `RING_FIELDS`. */
  readonly ring: GPUBuffer;
  /** Rows of the ring. */
  readonly ringSlots: number;
}

/** Makes the buffers of a batch. */
export function createWorkspace(gpu: Gpu, shape: BlockShape, ringSlots: number): Workspace {
  const { rows, dIn, dOut } = shape;
  const x = createRows(gpu, "x", rows, dIn);
  const vector = (label: string, floats: number) => createBuffer(gpu, floats * 4, label);
  return {
    x,
    centred: createRows(gpu, "centred", rows, dIn),
    target: x,
    targetSum: vector("target sum", x.stride),
    recon: createRows(gpu, "recon", rows, dOut),
    residual: createRows(gpu, "residual", rows, dOut),
    stats: vector("stats", rows * STATS),
    statSums: vector("stat sums", STATS),
    step: vector("step", STEP.words),
    scalars: createScalars(gpu),
    ring: vector("metrics ring", ringSlots * RING_FIELDS.length),
    ringSlots,
  };
}

/** Makes a parameter with a zero gradient. */
export function createParameter(
  gpu: Gpu,
  name: string,
  rows: number,
  cols: number,
  unitRows = false,
): Parameter {
  return {
    name,
    value: createRows(gpu, name, rows, cols),
    grad: createRows(gpu, `grad ${name}`, rows, cols),
    unitRows,
  };
}

/** A parameter that is never trained: it has no gradient of its own. */
export function frozenParameter(gpu: Gpu, name: string, rows: number, cols: number): Parameter {
  const value = createRows(gpu, name, rows, cols);
  return { name, value, grad: value, unitRows: false };
}

/** The buffer of a parameter that is a vector. */
export function vectorOf(parameter: Parameter): GPUBuffer {
  return onlyShard(parameter.value);
}

/** The buffer of a vector's gradient. */
export function gradOf(parameter: Parameter): GPUBuffer {
  return onlyShard(parameter.grad);
}
