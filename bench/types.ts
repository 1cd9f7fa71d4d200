/**
 * What the parts of the bench hand to each other.
 * @module
 */
import type { Cost } from "../lib/gpu/kernel.ts";
import type { Command } from "../lib/gpu/program.ts";
import type { Stage } from "./stage.ts";

/** A training shape: what sizes the operands of a kernel have in it. */
export interface TrainShape {
  /** Rows of a batch. */
  rows: number;
  /** Width of a row. */
  d: number;
  /** Latents of the dictionary. */
  latents: number;
  /** Active latents a row. */
  k: number;
}

/** One thing to time: commands on operands of one shape. */
export interface BenchCase {
  /** Sizes, in words: `2048 x 192`. */
  shape: string;
  /** Which of several ways of computing the same; absent for the one that the wrapper chooses. */
  variant?: string;
  /** Work of one run of the commands. */
  cost: Cost;
  /** Bytes moved when every operand is fetched and written once, where the cost counts some of them at every use. */
  footprint?: number;
  /** What is timed. */
  commands: readonly Command[];
  /** What is read back once to see that the kernel did its work. */
  output: GPUBuffer;
  /** How to read it; f32 when absent. */
  type?: "f32" | "u32";
  /** A sentence about what is wrong with the output, beyond that floats have to be finite and not all zero. */
  check?: (floats: Float32Array, words: Uint32Array) => string | undefined;
}

/** The bench of one kernel. */
export interface KernelBench {
  /** Stem of the kernel's files. */
  stem: string;
  /** Its cases; operands are made on the stage. */
  cases: (stage: Stage) => BenchCase[];
}

/** A distribution of a few times. */
export interface Times {
  /** Milliseconds of the fastest round. */
  minMs: number;
  /** Milliseconds of the middle round. */
  medianMs: number;
  /** (slowest - fastest) / median. */
  spread: number;
}

/** Highest rates that this adapter reached in this run. */
export interface Ceilings {
  /** Multiply-adds in registers, 10^9 floating-point operations a second. */
  gflops: number;
  /** vec4 loads from buffers of several sizes, the smallest first: 10^9 bytes a second by the size in bytes. */
  loads: { size: number; gbs: number }[];
  /** vec4 loads and stores, both counted. */
  copyGbs: number;
  /** Milliseconds of a dispatch that does nothing. */
  launchMs: number;
}

/**
 * What a case cannot be faster than: its multiply-adds; its loads, were all of them from near caches; its distinct
 * operands at the rate of memory of their size; the launches of its dispatches.
 */
export type Bound = "fma" | "loads" | "memory" | "launch";

/** One line of the table of kernels. */
export interface KernelResult extends Times {
  /** Stem. */
  stem: string;
  /** Sizes. */
  shape: string;
  /** Variant, when not the chosen one. */
  variant?: string;
  /** Floating-point operations of a run. */
  flops: number;
  /** Bytes of a run. */
  bytes: number;
  /** Bytes moved when every operand is fetched and written once. */
  footprint: number;
  /** Dispatches of a run. */
  dispatches: number;
  /** 10^9 floating-point operations a second, at the median. */
  gflops: number;
  /** 10^9 bytes a second, at the median. */
  gbs: number;
  /** Least time that the ceilings allow over the median time. */
  share: number;
  /** What sets this least time. */
  bound: Bound;
}

/** Training steps of one shape. */
export interface StepResult extends Times {
  /** Shape. */
  shape: TrainShape;
  /** The family, or what is different from a plain TopK step. */
  name: string;
  /** Latents that AuxK had to serve. */
  dead: number;
  /** Active latents a row, of all layers. */
  l0: number;
  /** Median over the rounds of the time over that of the first steps in the same round; absent for these. */
  ratio?: number;
  /** Rows a second, at the median. */
  tokensPerSecond: number;
  /** Sum of the times of all dispatches, each in a pass of its own; absent without timestamps. */
  kernelMs?: number;
  /** Share of that sum by kernel, the largest first. */
  shares: { kernel: string; count: number; share: number }[];
  /** Bytes of all buffers on the device. */
  peakBytes: number;
}

/** The real training loop, between its submissions. */
export interface GapResult {
  /** Shape. */
  shape: TrainShape;
  /** Steps. */
  steps: number;
  /** Milliseconds of a step on the host's clock, the last wait for the adapter included. */
  wallMs: number;
  /** Median of the host's milliseconds from one submission's return to the next one's call: data, upload, encoding. */
  hostMs: number;
  /** Milliseconds that the adapter computes in a step; absent without timestamps, like what follows. */
  gpuMs?: number;
  /** Median of the milliseconds from the end of one submission's work to the start of the next one's. */
  gapMs?: number;
  /** Sum of these over the time of all steps. */
  idleShare?: number;
}

/** One point of a scaling curve. */
export interface ScalingPoint extends Times {
  /** Value of what varies. */
  at: number;
}

/** How the time of a TopK step grows with one of its sizes, the others fixed. */
export interface ScalingCurve {
  /** What varies. */
  of: "latents" | "d" | "k" | "rows";
  /** The fixed sizes, and the middle one of what varies. */
  base: TrainShape;
  /** Points, ascending. */
  points: ScalingPoint[];
  /** Exponent of time by size: least squares of the logarithms of the medians. */
  exponent: number;
  /** Standard error of the exponent. */
  error: number;
  /** Milliseconds of the fitted line at size 1. */
  factor: number;
}

/** Seconds from nothing to the end of the first step. */
export interface StartupResult {
  /** Shape. */
  shape: TrainShape;
  /** Adapter and device, with the probe of subgroups. */
  openSeconds: number;
  /** First values on the host, buffers, commands, upload. */
  buildSeconds: number;
  /** First step: pipelines are compiled on the way. */
  firstStepSeconds: number;
  /** Second step. */
  secondStepSeconds: number;
  /** Highest sum of buffers. */
  peakBytes: number;
}

/** Activations of the demo model by one provider. */
export interface HarvestResult extends Times {
  /** Which ONNX Runtime, and how it is called. */
  runner: string;
  /** Tokens of a call. */
  tokens: number;
  /** Tokens a second, at the median; absent when it does not load. */
  tokensPerSecond?: number;
  /** The runner that it is compared with. */
  baseline?: string;
  /** Tokens a second over those of the baseline, at the medians. */
  ratio?: number;
  /** Why it did not run. */
  trouble?: string;
}

/** Where and when a run was made. */
export interface Machine {
  /** Adapter's name. */
  adapter: string;
  /** Whether it computes on the CPU. */
  software: boolean;
  /** Everything else that kernels may know about the device. */
  limits: Record<string, unknown>;
  /** Logical cores. */
  cores: number;
  /** Operating system and architecture. */
  system: string;
  /** Version of Deno. */
  deno: string;
  /** ISO date and time. */
  date: string;
  /** One-minute load average at the start and at the end. */
  load: [number, number];
  /** How times were taken. */
  method: string;
}

/** Everything of one run. */
export interface BenchResult {
  /** Layout of this object. */
  version: 1;
  /** Where and when. */
  machine: Machine;
  /** Ceilings. */
  ceilings?: Ceilings;
  /** Kernels. */
  kernels: KernelResult[];
  /** Kernels at shapes of real work; not in quick runs. */
  real?: KernelResult[];
  /** Steps of TopK and what may be beside it. */
  steps: StepResult[];
  /** Steps of all families. */
  families?: StepResult[];
  /** Training between submissions. */
  gaps?: GapResult[];
  /** How steps grow. */
  scaling?: ScalingCurve[];
  /** Start-up. */
  startup?: StartupResult;
  /** Harvest. */
  harvest: HarvestResult[];
}
