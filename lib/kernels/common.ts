/**
 * What all kernel wrappers share: the parts of shaders, thread-group sizes, and the layout of the small buffers
 * through which kernels pass single numbers to each other.
 * @module
 */
import linearId from "../../shaders/parts/linear_id.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";

/** Texts for `//#use`. */
export const PARTS: Readonly<Record<string, string>> = { linear_id: linearId };

/** Threads of a workgroup in kernels without shared memory. */
export const THREADS = 64;

/** Words of the buffer `step`, written by the host before every step. */
export const STEP = {
  /** Learning rate, f32. */
  lr: 0,
  /** 1 / (1 - beta1^t), f32. */
  correction1: 1,
  /** 1 / (1 - beta2^t), f32. */
  correction2: 2,
  /** Entries to keep a row, u32. */
  k: 3,
  /** Row of the metrics ring, u32. */
  slot: 4,
  /** Number of words. */
  words: 8,
} as const;

/** Words of the buffer `scalars`, written and read by kernels. */
export const SCALARS = {
  /** Factor of the residual in the gradient of the reconstruction loss. */
  scale: 0,
  /** The same for AuxK. */
  auxScale: 1,
  /** Fraction of variance unexplained of this batch. */
  fvu: 2,
  /** AuxK loss, normalised by the variance of its target. */
  auxLoss: 3,
  /** Sum of squared errors. */
  squaredError: 4,
  /** Sum of squared distances of the target from its mean. */
  spread: 5,
  /** Gradient clipping factor. */
  clip: 6,
  /** Always 1. */
  one: 7,
  /** Number of words. */
  words: 16,
} as const;

/** Floats of a row of the metrics ring, in the order that `step_scalars` writes them. */
export const RING_FIELDS: readonly string[] = [
  "loss/total",
  "recon/fvu",
  "loss/auxk",
  "sparsity/l0",
  "sparsity/dead",
  "grad_norm",
  "squared_error",
  "spread",
];

/** Makes the buffer `scalars` with its constant one. */
export function createScalars(gpu: Gpu): GPUBuffer {
  const buffer = createBuffer(gpu, SCALARS.words * 4, "scalars");
  gpu.device.queue.writeBuffer(buffer, SCALARS.one * 4, new Float32Array([1]));
  return buffer;
}

/** Makes a buffer that holds one u32, as an upper bound for kernels that read a count. */
export function createCount(gpu: Gpu, value: number): GPUBuffer {
  const buffer = createBuffer(gpu, 16, "count");
  gpu.device.queue.writeBuffer(buffer, 0, new Uint32Array([value]));
  return buffer;
}

/** How the threads of a row share its `d4` vec4s. */
export interface ColumnPlan {
  /** vec4s of a thread. */
  columns: number;
  /** Threads of a row. */
  threads: number;
  /** 1 when a thread has neighbouring vec4s: a core has cache lines of its own, hardware lanes share them. */
  near: 0 | 1;
}

/** Shares the columns of rows of `d` floats: few threads a row, none of them idle for long. */
export function planColumns(d: number, facts: Pick<DeviceFacts, "software">): ColumnPlan {
  const d4 = Math.ceil(d / 4);
  const most = facts.software ? 4 : 8;
  const sizes = [8, 4, 2].filter((size) => size <= most);
  const columns = sizes.find((size) => d4 >= size * 2 || d4 === size) ?? 1;
  return { columns, threads: Math.ceil(d4 / columns), near: facts.software ? 1 : 0 };
}
