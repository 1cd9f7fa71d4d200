/**
 * Arithmetic of the bench, without a device: distributions, rooflines, and the verdict over two runs.
 * @module
 */
import type { Cost } from "../lib/gpu/kernel.ts";
import type { BenchResult, Bound, Ceilings, KernelResult, StepResult, Times } from "./types.ts";

/** The middle value; the mean of the two middle ones of an even number. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Fastest, middle and spread of times in milliseconds. */
export function timesOf(ms: readonly number[]): Times {
  const minMs = Math.min(...ms), medianMs = median(ms);
  return { minMs, medianMs, spread: medianMs > 0 ? (Math.max(...ms) - minMs) / medianMs : 0 };
}

/**
 * Time of one run from the times of `n` and of `2n` runs: what is the same for both, like the wait for the answer,
 * drops out. Noise can make the difference absurd; it is kept between nothing and what `2n` runs took each.
 */
export function differenceMs(once: number, twice: number, n: number): number {
  return Math.min(Math.max((twice - once) / n, 0), twice / (2 * n));
}

/** How often to run a thing so that it takes about `target` milliseconds: at least once, at most `most` times. */
export function repeatsFor(ms: number, target: number, most: number): number {
  return Math.min(most, Math.max(1, Math.ceil(target / Math.max(ms, 1e-6))));
}

/**
 * Rate at which operands of `footprint` bytes in all can be moved at best: that of loads from the measured buffer whose
 * size is nearest, by ratio; for the largest, that of the copy where it is faster.
 */
export function bandwidth(footprint: number, { loads, copyGbs }: Ceilings): number {
  const distance = (size: number) => Math.abs(Math.log(size / footprint));
  const nearest = loads.reduce((a, b) => distance(b.size) < distance(a.size) ? b : a);
  return nearest === loads[loads.length - 1] ? Math.max(nearest.gbs, copyGbs) : nearest.gbs;
}

/** Work of a case, as far as a roofline asks. */
export interface Work extends Cost {
  /** Bytes moved when every operand is fetched and written once. */
  footprint: number;
  /** Dispatches. */
  dispatches: number;
}

/** Least time that the ceilings allow, and what sets it. */
export function roofline(work: Work, ceilings: Ceilings): { ms: number; bound: Bound } {
  const byBound: [Bound, number][] = [
    ["fma", work.flops / ceilings.gflops / 1e6],
    ["loads", work.bytes / ceilings.loads[0].gbs / 1e6],
    ["memory", work.footprint / bandwidth(work.footprint, ceilings) / 1e6],
    ["launch", work.dispatches * ceilings.launchMs],
  ];
  return byBound.map(([bound, ms]) => ({ bound, ms })).reduce((a, b) => b.ms > a.ms ? b : a);
}

/** The line of a case. */
export function kernelResult(
  of: { stem: string; shape: string; variant?: string; work: Work },
  ms: readonly number[],
  ceilings: Ceilings,
): KernelResult {
  const times = timesOf(ms);
  const limit = roofline(of.work, ceilings);
  return {
    stem: of.stem,
    shape: of.shape,
    ...(of.variant ? { variant: of.variant } : {}),
    ...times,
    flops: of.work.flops,
    bytes: of.work.bytes,
    footprint: of.work.footprint,
    dispatches: of.work.dispatches,
    gflops: of.work.flops / times.medianMs / 1e6,
    gbs: of.work.bytes / times.medianMs / 1e6,
    share: limit.ms / times.medianMs,
    bound: limit.bound,
  };
}

/** Kernels of dense scores and the selection of the largest of a row. */
const ENCODING = ["encode_gemm", "topk_merge", "topk_finish"];

/**
 * Rate of a dense encoder with its selection, counting the operations of the product alone, as a share of the FMA
 * ceiling; undefined where a step has no such encoder, selects otherwise, or was not timed by kernel.
 */
export function encoderShare(step: StepResult, ceilings: Ceilings): number | undefined {
  const { shape: { rows, d, latents }, kernelMs, shares, dead, l0, shape } = step;
  const own = shares.filter(({ kernel }) => ENCODING.includes(kernel));
  // Dead latents are scored a second time by the same kernels, several layers have several products.
  if (kernelMs === undefined || own.length < ENCODING.length || dead > 0 || l0 > shape.k) {
    return undefined;
  }
  const ms = kernelMs * own.reduce((sum, { share }) => sum + share, 0);
  return 2 * rows * d * latents / ms / 1e6 / ceilings.gflops;
}

/** How a kernel stands against an earlier run. */
export interface Comparison {
  /** Stem, sizes, variant. */
  name: string;
  /** New median over old median; NaN where one is missing. */
  ratio: number;
  /** The same of the fastest rounds. */
  minRatio: number;
  /** How much slower the machine itself was, by the ceiling that bounds the kernel; at least 1. */
  machine: number;
  /** What to think of it. */
  verdict: "slower" | "faster" | "same" | "new" | "gone";
}

/** Slower by this factor is a regression. */
export const REGRESSION = 1.5;

/** Name of a kernel's line, the same in every run. */
export function nameOf(result: Pick<KernelResult, "stem" | "shape" | "variant">): string {
  return [result.stem, result.shape, result.variant].filter(Boolean).join(" ");
}

/**
 * Compares the kernels of two runs. A kernel is slower only when its median and its fastest round both are, by more
 * than the machine's ceilings are slower, and by more time than two empty dispatches take: less is noise.
 */
export function compareRuns(before: BenchResult, now: BenchResult): Comparison[] {
  const old = new Map(before.kernels.map((k) => [nameOf(k), k]));
  const compared = now.kernels.map((kernel): Comparison => {
    const name = nameOf(kernel);
    const was = old.get(name);
    old.delete(name);
    if (!was) return { name, ratio: NaN, minRatio: NaN, machine: 1, verdict: "new" };
    const ratio = kernel.medianMs / was.medianMs, minRatio = kernel.minMs / was.minMs;
    const machine = machineRatio(kernel, before.ceilings, now.ceilings);
    const both = (bad: (r: number) => boolean) => bad(ratio) && bad(minRatio);
    const launches = 2 * kernel.dispatches * (now.ceilings?.launchMs ?? 0);
    const verdict = both((r) => r / machine > REGRESSION) && kernel.minMs - was.minMs > launches
      ? "slower"
      : both((r) => r < 1 / REGRESSION)
      ? "faster"
      : "same";
    return { name, ratio, minRatio, machine, verdict };
  });
  const gone = [...old.keys()].map((name): Comparison => ({
    name,
    ratio: NaN,
    minRatio: NaN,
    machine: 1,
    verdict: "gone",
  }));
  return [...compared, ...gone];
}

function machineRatio(kernel: KernelResult, before?: Ceilings, now?: Ceilings): number {
  if (!before || !now) return 1;
  return Math.max(1, roofline(kernel, now).ms / roofline(kernel, before).ms);
}

/** Camel case to snake case in all keys, for files. */
export function toFile(value: unknown): unknown {
  return mapKeys(value, (key) => key.replace(/[A-Z]/g, (s) => `_${s.toLowerCase()}`));
}

/** The reverse of {@link toFile}. */
export function fromFile(value: unknown): unknown {
  return mapKeys(value, (key) => key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()));
}

function mapKeys(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((v) => mapKeys(v, rename));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [rename(key), mapKeys(v, rename)]),
  );
}
