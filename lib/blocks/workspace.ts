/**
 * Buffers of a batch, and the sites where its codes are decoded.
 * @module
 */
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { createRows, type Rows } from "../gpu/rows.ts";
import { type CodeByLatent, type CodeByRow, createCodeByLatent } from "../kernels/code.ts";
import { createScalars, STEP } from "../kernels/common.ts";
import { STATS } from "../kernels/residual_rows.ts";

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

/** Buffers of a batch that more than one block touches. */
export interface Workspace {
  /** Rows of a batch. */
  readonly rows: number;
  /** f32 [rows, dIn]: the batch. */
  readonly x: Rows;
  /** f32 [rows, dIn]: the batch less the input bias; `x` itself where there is none. */
  readonly centred: Rows;
  /** f32 [rows, dOut]: what should come out; the batch itself in a plain autoencoder. */
  readonly target: Rows;
  /** f32 [dOut]: sum of the target's rows. */
  readonly targetSum: GPUBuffer;
  /** Numbers from the host, see `STEP`. */
  readonly step: GPUBuffer;
  /** Numbers between kernels, see `SCALARS` and `siteWord`. */
  readonly scalars: GPUBuffer;
  /** f32 [rows]: 0 for rows that are there for others of their sequence only, else 1; all count when absent. */
  readonly mask?: GPUBuffer;
}

/** What a workspace is made for. */
export interface WorkspaceOptions extends BlockShape {
  /** Whether the target is another matrix than the batch. */
  separateTarget?: boolean;
  /** Whether a bias is taken from the input. */
  inputBias?: boolean;
  /** Whether there are rows that do not count. */
  masked?: boolean;
}

/** Makes the buffers of a batch. */
export function createWorkspace(gpu: Gpu, options: WorkspaceOptions): Workspace {
  const { rows, dIn, dOut, separateTarget = false, inputBias = true, masked = false } = options;
  const x = createRows(gpu, "x", rows, dIn);
  const target = separateTarget ? createRows(gpu, "target", rows, dOut) : x;
  return {
    rows,
    x,
    centred: inputBias ? createRows(gpu, "centred", rows, dIn) : x,
    target,
    targetSum: createBuffer(gpu, target.stride * 4, "target sum"),
    step: createBuffer(gpu, STEP.words * 4, "step"),
    scalars: createScalars(gpu),
    ...masked && { mask: createMask(gpu, rows) },
  };
}

/** A mask that leaves nothing out. */
function createMask(gpu: Gpu, rows: number): GPUBuffer {
  const mask = createBuffer(gpu, rows * 4, "mask");
  gpu.device.queue.writeBuffer(mask, 0, new Float32Array(rows).fill(1));
  return mask;
}

/** A code that a coder makes, and what happens to it. */
export interface CodePlan {
  /** The code. */
  readonly code: CodeByRow;
  /** Entries of all rows together at most, over the rows; the capacity of a row when absent. */
  readonly most?: number;
  /** Weight of its reconstruction loss. */
  readonly weight: number;
  /** Whether its loss trains decoder and decoder bias. */
  readonly trainsDecoder: boolean;
}

/** A code with the place where it is decoded. Site 0 is the model's reconstruction. */
export interface Site {
  /** Number of the site; its words in `scalars` are `siteWord(index, …)`. */
  readonly index: number;
  /** The code to decode; its `dz` is the derivative of the loss by every value. */
  readonly code: CodeByRow;
  /** The same code by latent. */
  readonly byLatent: CodeByLatent;
  /** Weight of its reconstruction loss. */
  readonly weight: number;
  /** Whether its loss trains decoder and decoder bias. */
  readonly trainsDecoder: boolean;
  /** f32 [rows, dOut]: the reconstruction. */
  readonly recon: Rows;
  /** f32 [rows, dOut]: target less reconstruction. */
  readonly residual: Rows;
  /** f32 [rows, STATS]. */
  readonly stats: GPUBuffer;
  /** f32 [STATS]: their sums. */
  readonly statSums: GPUBuffer;
}

/**
 * Makes the place of a code.
 * @param latents number of latents of the code
 * @param byLatent the code by latent, where another site of the same code has it
 */
export function createSite(
  gpu: Gpu,
  space: Workspace,
  plan: CodePlan,
  index: number,
  latents: number,
  byLatent?: CodeByLatent,
): Site {
  const { rows, target } = space;
  const name = index === 0 ? "" : ` ${index}`;
  const { code: { capacity, usual }, most = capacity } = plan;
  return {
    index,
    ...plan,
    byLatent: byLatent ??
      { ...createCodeByLatent(gpu, rows, most, latents), ...usual !== undefined && { usual } },
    recon: createRows(gpu, `recon${name}`, rows, target.cols),
    residual: createRows(gpu, `residual${name}`, rows, target.cols),
    stats: createBuffer(gpu, rows * STATS * 4, `stats${name}`),
    statSums: createBuffer(gpu, STATS * 4, `stat sums${name}`),
  };
}
