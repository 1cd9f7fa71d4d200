/**
 * Finds the fastest variant of each kernel on a device. Every variant has to compute something that the host knows first,
 * so that one that a driver gets wrong is never taken.
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { freeable, type Gpu } from "./device.ts";
import type { Tuning } from "./facts.ts";
import { type Command, submit } from "./program.ts";
import { readFloats } from "./readback.ts";
import type { Variant } from "./tuning.ts";

/** A kernel at a typical shape, on inputs that the host knows. */
export interface Trial {
  /** What {@link Tuning} calls it. */
  readonly kernel: string;
  /** What works on the device; the first is taken untuned. */
  variants(gpu: Gpu): readonly Variant[];
  /** Makes the inputs; buffers are freed by the caller. */
  prepare(gpu: Gpu): PreparedTrial;
}

/** A trial with its inputs. */
export interface PreparedTrial {
  /** Commands of the variant that the device's tuning names. */
  commands(gpu: Gpu): readonly Command[];
  /** Where the result is. */
  output: GPUBuffer;
  /** What is wrong with a result, in words; undefined when nothing is. */
  fault(result: Float32Array): string | undefined;
}

/** A variant that is not usable on the device. */
export interface Fault {
  /** Kernel. */
  kernel: string;
  /** Variant. */
  variant: string;
  /** What is wrong. */
  fault: string;
}

/** What was found. */
export interface Tuned {
  /** The fastest variant of every kernel. */
  tuning: Tuning;
  /** Milliseconds by kernel and variant. */
  times: Record<string, Record<string, number>>;
  /** Variants that are never taken. */
  faults: Fault[];
  /** Seconds that it took. */
  seconds: number;
}

/** How long to look. */
export interface TuneOptions {
  /** Seconds after which no further round is begun; every variant is tried once in any case. */
  seconds: number;
  /** Stop after the first variant of each kernel that computes rightly: a self-test. */
  checkOnly?: boolean;
  /** Hears how many kernels are done. */
  onKernel?: (done: number, kernels: number) => void;
}

/** Milliseconds of work in one measurement, so that the wait for its end does not matter. */
const MEASURE_MS = 20;
/** Measurements of a variant; the fastest counts. */
const ROUNDS = 4;
/** A variant must be this much faster than the kernel's own choice. */
const WORTH = 0.97;

/** Tries all variants of all kernels. */
export async function tune(
  gpu: Gpu,
  trials: readonly Trial[],
  options: TuneOptions,
): Promise<Tuned> {
  const started = performance.now();
  const found: Tuned = { tuning: {}, times: {}, faults: [], seconds: 0 };
  const tuning: Record<string, string> = {};
  const until = (share: number) => started + share * options.seconds * 1000;
  for (const [i, trial] of trials.entries()) {
    const part = freeable(gpu);
    try {
      tuning[trial.kernel] = await tryAll(part, trial, found, {
        ...options,
        deadline: until((i + 1) / trials.length),
      });
    } finally {
      part.free();
    }
    options.onKernel?.(i + 1, trials.length);
  }
  return { ...found, tuning, seconds: (performance.now() - started) / 1000 };
}

/** The fastest variant of a kernel. */
async function tryAll(
  gpu: Gpu,
  trial: Trial,
  { times, faults }: Tuned,
  { checkOnly, deadline }: TuneOptions & { deadline: number },
): Promise<string> {
  const { kernel } = trial;
  const variants = trial.variants(gpu);
  const prepared = trial.prepare(gpu);
  const right: { name: string; commands: readonly Command[]; runs: number; ms: number }[] = [];
  for (const { name } of variants) {
    const device = { ...gpu, facts: { ...gpu.facts, tuning: { [kernel]: name } } };
    const { commands, fault } = await attempt(device, prepared);
    if (fault) faults.push({ kernel, variant: name, fault });
    else right.push({ name, commands, runs: 1, ms: Infinity });
    if (checkOnly && !fault) return name;
  }
  // Where nothing is right the adapter is broken; the plainest variant is the best guess.
  if (right.length === 0) return variants[variants.length - 1].name;
  if (checkOnly) return right[0].name;
  for (let round = 0; round < ROUNDS; round++) {
    for (const entry of right) {
      const ms = await timeOf(gpu, entry.commands, entry.runs);
      if (round === 0) entry.runs = Math.min(200, Math.max(1, Math.ceil(MEASURE_MS / ms)));
      else entry.ms = Math.min(entry.ms, ms);
    }
    if (round > 0 && performance.now() > deadline) break;
  }
  times[kernel] = Object.fromEntries(right.map(({ name, ms }) => [name, ms]));
  const best = right.reduce((a, b) => b.ms < a.ms ? b : a);
  const own = right[0];
  return best.ms < own.ms * WORTH ? best.name : own.name;
}

/** Compiles and runs a variant once, and looks at what it made. */
async function attempt(
  gpu: Gpu,
  { commands, output, fault }: PreparedTrial,
): Promise<{ commands: readonly Command[]; fault?: string }> {
  const { device } = gpu;
  const kinds: GPUErrorFilter[] = ["validation", "out-of-memory", "internal"];
  for (const kind of kinds) device.pushErrorScope(kind);
  let list: readonly Command[] = [], trouble: string | undefined;
  let result: Float32Array | undefined;
  try {
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(output);
    device.queue.submit([encoder.finish()]);
    list = commands(gpu);
    submit(gpu, list);
    result = await readFloats(gpu, output);
  } catch (error) {
    trouble = messageOf(error).trim().split("\n")[0];
  }
  for (const _ of kinds) {
    const error = await device.popErrorScope();
    if (error) trouble ??= error.message.trim().split("\n")[0];
  }
  trouble ??= result && fault(result);
  return trouble === undefined ? { commands: list } : { commands: list, fault: trouble };
}

/** Milliseconds of one of `runs` runs. */
async function timeOf(gpu: Gpu, commands: readonly Command[], runs: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < runs; i++) submit(gpu, commands);
  await gpu.device.queue.onSubmittedWorkDone();
  return (performance.now() - started) / runs;
}
