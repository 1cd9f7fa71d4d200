/**
 * What the trainer knows of a model: parameters, counters, one program a step, and declared properties.
 * @module
 */
import type { GateScope, Parameter, Workspace } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { AdamRates } from "../kernels/adam.ts";
import type { DictionaryRecord } from "./record.ts";

/** Everything that a model is built from. */
export interface ModelOptions {
  /** Rows of a batch. */
  rows: number;
  /** Input width. */
  dIn: number;
  /** Output width. */
  dOut: number;
  /** Number of latents. */
  dSae: number;
  /** Active latents a row at the end of training. */
  k: number;
  /** Largest k of the run. */
  kMax: number;
  /** Coefficient of AuxK; 0 leaves it out. */
  auxkCoefficient: number;
  /** Dead latents that AuxK uses a row. */
  kAux: number;
  /** Tokens without firing that make a latent dead. */
  deadAfterTokens: number;
  /** Longest gradient; 0 for no clipping. */
  clipGradNorm: number;
  /** Numbers of Adam. */
  adam: AdamRates;
  /** Rows of the metrics ring. */
  ringSlots: number;
}

/** Counters of latents that are part of a checkpoint. */
export interface Counter {
  /** Name in checkpoints. */
  name: string;
  /** u32s. */
  buffer: GPUBuffer;
  /** How many. */
  words: number;
}

/** A model on the device, ready for training steps. */
export interface TrainableModel {
  /** How its gate chooses. */
  readonly gateScope: GateScope;
  /** Buffers of a batch. */
  readonly space: Workspace;
  /** Trained parameters. */
  readonly parameters: readonly Parameter[];
  /** State of the optimiser. */
  readonly optimizerState: readonly { name: string; rows: Rows }[];
  /** Counters. */
  readonly counters: readonly Counter[];
  /** One training step, from `space.x` and `space.step` to updated parameters and a row of the metrics ring. */
  readonly step: readonly Command[];
}

/** First values of the parameters, by name, row-major. */
export type InitialValues = ReadonlyMap<string, Float32Array>;

/** A family of dictionaries: data, not a class. */
export interface ModelFamily {
  /** Name in configurations. */
  readonly type: string;
  /** One sentence. */
  readonly doc: string;
  /**
   * First values of the parameters, a pure function of the seed and of the start of the decoder bias.
   * @param bDec [dOut]
   */
  initial(options: ModelOptions, seed: number, bDec: Float32Array): InitialValues;
  /** Puts the model on the device. */
  build(gpu: Gpu, options: ModelOptions): TrainableModel;
  /** The trained dictionary. */
  record(options: ModelOptions, values: InitialValues): DictionaryRecord;
}
