/**
 * What an optimiser sees of a model, and what it gives back.
 * @module
 */
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { AdamRates } from "../kernels/adam.ts";

/** A parameter as an optimiser sees it. */
export interface Trained {
  /** Name in checkpoints. */
  readonly name: string;
  /** The values. */
  readonly value: Rows;
  /** Their gradient, split like the values. */
  readonly grad: Rows;
  /** Whether rows are brought back to unit length. */
  readonly unitRows: boolean;
  /** Whether the clip factor acts on its gradient. */
  readonly clipped: boolean;
  /** Factor of the learning rate. */
  readonly lrFactor: number;
  /** Whether values below zero become zero. */
  readonly nonNegative: boolean;
  /** Whether weight decay acts on it. */
  readonly decays: boolean;
}

/** Names of the optimisers. */
export const OPTIMIZER_KINDS = ["adam", "adamw", "sparse_adam", "signum", "muon"] as const;

/** One of {@link OPTIMIZER_KINDS}. */
export type OptimizerKind = typeof OPTIMIZER_KINDS[number];

/** Numbers of all optimisers; each reads its own. */
export interface OptimizerOptions extends AdamRates {
  /** Decoupled weight decay of AdamW and Muon. */
  weightDecay: number;
  /** Decay of Muon's momentum; with signum the share of the average in the point where gradients are taken. */
  momentum: number;
}

/** Buffers through which an optimiser learns the numbers of a step. */
export interface StepBuffers {
  /** Learning rate and Adam's corrections, see `STEP`. */
  readonly step: GPUBuffer;
  /** Clip factor, see `SCALARS`. */
  readonly scalars: GPUBuffer;
}

/** An optimiser: its state and its commands. */
export interface Optimizer {
  /** What it remembers, all zero at the start, by the name that it has in checkpoints. */
  readonly state: readonly { name: string; rows: Rows }[];
  /** The update of all parameters, from gradients that are ready and `scalars` with the clip factor. */
  update(): Command[];
  /**
   * Puts into the parameters what a finished dictionary has; nothing to do where that is what is trained.
   * {@link toTraining} has to follow before the next step.
   */
  toExport(): Command[];
  /** Puts back what is trained, bit for bit. */
  toTraining(): Command[];
}
