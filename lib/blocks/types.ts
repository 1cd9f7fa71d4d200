/**
 * What the blocks of a model have in common: parameters, the workspace of a batch, and the properties that shared code asks
 * for instead of a family's name.
 * @module
 */
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByLatent, CodeByRow } from "../kernels/code.ts";
import type { Operand } from "../kernels/operand.ts";
import type { Parameter } from "./parameter.ts";
import type { CodePlan, Site } from "./workspace.ts";

export * from "./parameter.ts";
export * from "./workspace.ts";

/** u32 or f32 words on the device that belong to a checkpoint: counters, thresholds, controllers. */
export interface StateBuffer {
  /** Name in checkpoints. */
  readonly name: string;
  /** The words. */
  readonly buffer: GPUBuffer;
  /** How many. */
  readonly words: number;
}

/** How a gate chooses: what the trainer and exporters need to know of it. */
export type GateScope = "row" | "batch" | "layer" | "threshold" | "sequence";

/** How candidates arise: every latent is scored, a grid of sub-keys, greedily, or after attention. */
export type Candidates = "dense" | "grid" | "pursuit" | "attention";

/** What scores are multiplied with as they are made. */
export interface PanelFactors {
  /** f32, one a latent. */
  values: GPUBuffer;
  /** Place of the panel's first latent. */
  first: number;
}

/** Scores of latents [firstLatent, firstLatent + latents), and the commands that make them. */
export interface ScorePanel {
  /** Commands that fill `scores`, times factors if there are any. */
  commands(factors?: PanelFactors): Command[];
  /** First latent. */
  firstLatent: number;
  /** Latents, without padding. */
  latents: number;
  /** f32 [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
}

/** An encoder that scores every latent, a panel at a time, never all of them at once. */
export interface ScoreEncoder {
  /** How candidates arise. */
  readonly candidates: Candidates;
  /** Trained parameters. */
  readonly parameters: readonly Parameter[];
  /** f32 [rows, panel]: scores of the panel that was made last. */
  readonly scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  readonly panel: number;
  /** `space.centred` as the product reads it, where all latents look at it; `prepare` brings it there. */
  readonly loaded?: Operand;
  /** The row and the bias of every latent, where all latents look at `space.centred`. */
  readonly latentRows?: { readonly w: Parameter; readonly b: Parameter };
  /** What comes before the panels. */
  prepare(): Command[];
  /** All panels in ascending order; each overwrites the scores of the one before. */
  panels(): ScorePanel[];
  /**
   * Gradients of the parameters from a code by latent whose dz are the derivatives by the scores.
   * @param byRow the same code by row
   */
  backward(code: CodeByLatent, add: boolean, byRow: CodeByRow): Command[];
  /** Σ over rows of the derivative by the input less its bias, f32 [dIn padded], from finished gradients. */
  inputGradient(sum: GPUBuffer): Command[];
}

/** Lengths of decoder rows, which penalties and gates multiply values with. */
export interface DecoderNorms {
  /** f32 [latents]. */
  readonly values: GPUBuffer;
  /** Takes them from the rows as they are. */
  refresh(): Command[];
  /** Adds to the gradient of every decoder row a multiple of the row itself: word `place` of `step` of its weights. */
  addRows(weights: GPUBuffer, step?: number, place?: number): Command[];
}

/** Thresholds that are trained, one a latent. */
export interface Thresholds {
  /** f32 [latents]: what scores are compared with. */
  readonly values: GPUBuffer;
  /** What is trained: the thresholds, or their logarithms. */
  readonly parameter: Parameter;
  /** Whether it is their logarithms. */
  readonly log: boolean;
  /** Whether scores times decoder norms are compared with them. */
  readonly byNorm: boolean;
}

/** The commands of a selection, apart, so that panels without candidates can be left out. */
export interface Selection {
  /** Score and merge, a list a panel. */
  panels: Command[][];
  /** From the running lists to the code. */
  finish: Command[];
}

/** What makes codes from panels of scores. */
export interface Gate {
  /** How it chooses. */
  readonly scope: GateScope;
  /** Codes that it writes; the first is the model's. */
  readonly codes: readonly CodePlan[];
  /** Trained parameters, such as thresholds. */
  readonly parameters: readonly Parameter[];
  /** Words that belong to a checkpoint. */
  readonly state: readonly StateBuffer[];
  /** Thresholds that it trains. */
  readonly thresholds?: Thresholds;
  /** Consumes all panels. */
  forward(panels: readonly ScorePanel[]): Selection;
  /** Gradients of its parameters, when the dz of all sites are there. */
  backward?(sites: readonly Site[], decoder: CodeGradient, penalty?: EntryPenalty): Command[];
  /** What follows the optimiser. */
  afterStep?(): Command[];
}

/** Encoder and gate together: from the batch to sparse codes, and from the codes' derivatives to gradients. */
export interface Coder {
  /** How its gate chooses. */
  readonly scope: GateScope;
  /** How its candidates arise. */
  readonly candidates: Candidates;
  /** Trained parameters, thresholds included. */
  readonly parameters: readonly Parameter[];
  /** Words that belong to a checkpoint. */
  readonly state: readonly StateBuffer[];
  /** Codes; the first is the model's, further ones have losses of their own. */
  readonly codes: readonly CodePlan[];
  /** Which of the codes a sparsity penalty acts on. */
  readonly penalised: number;
  /** The encoder, where panels of scores are made: AuxK scores the dead latents with it. */
  readonly encoder?: ScoreEncoder;
  /** Thresholds that it trains. */
  readonly thresholds?: Thresholds;
  /** Numbers that it logs, beyond those of its activation. */
  readonly metrics?: readonly RingField[];
  /** From `space.x` to the codes. */
  forward(): Command[];
  /**
   * Gradients of all parameters from the placed codes, overwriting them.
   * @param sites one a code, in their order
   * @param penalty what values are penalised by, for entries that have no site, such as those near thresholds
   */
  backward(sites: readonly Site[], decoder: CodeGradient, penalty?: EntryPenalty): Command[];
  /**
   * Σ over rows of the derivative of the loss by the input less its bias, f32 [dIn padded], from the gradients that
   * are complete when the commands run.
   */
  inputGradient(sum: GPUBuffer): Command[];
  /** What follows the optimiser, such as thresholds that run behind the batch. */
  afterStep?(): Command[];
}

/** From codes to reconstructions and their losses, and back. */
export interface Decoder {
  /** Cumulative prefix sizes whose reconstructions count; one means an ordinary decoder. */
  readonly prefixes: readonly number[];
  /** Trained parameters. */
  readonly parameters: readonly Parameter[];
  /** Names of metrics with their words in `scalars`, beyond those that every model has. */
  readonly metrics: readonly RingField[];
  /** Decodes a site's code and makes residual, sums and loss. */
  reconstruct(site: Site): Command[];
  /** The buffers of W_dec as they were loaded for gathering, after {@link reconstruct} was asked for; it loads them. */
  loaded?(): readonly Operand[] | undefined;
  /** Counts of active rows by latent, needed before the dead latents are known. */
  count(site: Site): Command[];
  /** `dz` of every entry by row, of the site's code (or of another in its place) at the site's residuals. */
  codeGradient(site: Site): Command[];
  /** The code by latent, with dz. */
  place(site: Site): Command[];
  /** The gradient of W_dec. */
  gradient(site: Site, add: boolean): Command[];
  /**
   * The gradient of the decoder bias, from all sites that train it.
   * @param inputGradient Σ of the derivatives by the input, where the bias is taken from the input too
   */
  biasGradient(sites: readonly Site[], inputGradient?: GPUBuffer): Command[];
  /**
   * What times the site's scale is the derivative by anything that is added to all reconstructions of the site;
   * the residual when absent.
   */
  sharedResidual?(site: Site): Rows;
  /** Writes what the host draws for step `step`, before its commands are submitted. */
  beforeStep?(step: number): void;
}

/** What makes derivatives by the values of any code, at the residuals of a site. */
export type CodeGradient = Pick<Decoder, "codeGradient">;

/** A sparsity penalty on the values of a code. */
export interface Penalty {
  /** Words that belong to a checkpoint. */
  readonly state: readonly StateBuffer[];
  /** Adds to `dz` of every entry, before entries are placed, and sums the loss into `scalars`. */
  onEntries(site: Site): Command[];
  /** Adds what reaches decoder norms, thresholds and biases, after the gradients are there. */
  onGradients(site: Site): Command[];
  /** Whether it is on the number of active latents: only thresholds feel it. */
  readonly onNumber: boolean;
  /** Adds to `dz` of every entry of a code that is not the model's, after `onEntries`. */
  onOthers(code: CodeByRow): Command[];
  /** Steers the coefficient after the step. */
  afterStep(): Command[];
}

/** What a coder asks of a penalty; its coefficient is in the word `coefficient` of `scalars`. */
export type EntryPenalty = Pick<Penalty, "onNumber" | "onOthers">;

/** A number of a step that the trainer logs. */
export interface RingField {
  /** Metric name. */
  readonly name: string;
  /** Its word in `scalars`. */
  readonly word: number;
}
