/**
 * What all kernel wrappers share: the parts of shaders, thread-group sizes, and the layout of the small buffers
 * through which kernels pass single numbers to each other.
 * @module
 */
import linearId from "../../shaders/parts/linear_id.wgsl" with { type: "text" };
import texels from "../../shaders/parts/texels.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { pickVariant, type Variant } from "../gpu/tuning.ts";

/** Texts for `//#use`. */
export const PARTS: Readonly<Record<string, string>> = { linear_id: linearId, texels };

/** Threads of a workgroup in kernels without shared memory. */
export const THREADS = 64;

/**
 * Neighbouring vec4s of a thread in kernels that go through whole arrays: a cache line where a thread's memory is its
 * own, one where the lanes of hardware have neighbours.
 */
export function vectorsEach({ software }: Pick<DeviceFacts, "software">): number {
  return software ? 4 : 1;
}

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
  /** Entries to keep of a batch, u32: floor(k · rows). */
  batchK: 5,
  /** Coefficient of the sparsity penalty by its schedule, f32. */
  coefficient: 6,
  /** Exponent of the sparsity penalty, f32. */
  exponent: 7,
  /** 1 where thresholds that follow the batch take part in their average, u32. */
  track: 8,
  /** Coefficient of the pre-activation loss by its schedule, f32. */
  preActCoefficient: 9,
  /** The step's number, from 0, u32. */
  number: 10,
  /** Exponent that comes after this one, where it is annealed; else the same, f32. */
  nextExponent: 11,
  /** Rows of the batch that do not count, u32: 0 but for whole sequences with positions that are left out. */
  leftOut: 12,
  /** Number of words. */
  words: 16,
} as const;

/** Words of the buffer `scalars`, written and read by kernels. Those of the sites follow, see {@link siteWord}. */
export const SCALARS = {
  /** Always 1. */
  one: 0,
  /** Gradient clipping factor. */
  clip: 1,
  /** All losses with their weights. */
  total: 2,
  /** Fraction of variance unexplained of this batch, over all targets. */
  fvu: 3,
  /** Mean number of active latents a row. */
  l0: 4,
  /** Number of dead latents. */
  dead: 5,
  /** Length of all gradients that count for clipping. */
  gradNorm: 6,
  /** Sum of squared errors over all targets. */
  squaredError: 7,
  /** Sum of squared distances of the targets from their means. */
  spread: 8,
  /** Sparsity penalty with its coefficient. */
  sparsityLoss: 9,
  /** Pre-activation loss with its coefficient. */
  preActLoss: 10,
  /** Coefficient of the sparsity penalty as it acts. */
  coefficient: 11,
  /** Threshold of a gate that has one for all latents. */
  threshold: 12,
  /** Rows whose code was cut at its capacity. */
  cappedRows: 13,
  /** Not used; always 0. */
  zero: 14,
  /** Share of the exact selection that a screened one found, on the first rows of the batch. */
  screenRecall: 15,
  /** First word of the first site. */
  sites: 16,
  /** Number of words: those of the sites, then those of nested prefixes, see {@link prefixWord}. */
  words: 16 + 8 * 96 + 32,
} as const;

/** Words of a site in `scalars`. */
export const SITE = {
  /** The derivative of the loss by a reconstruction is this times the residual. */
  scale: 0,
  /** The loss without its weight. */
  loss: 1,
  /** Sum of squared errors. */
  error: 2,
  /** Sum of squared distances of the target from its mean. */
  spread: 3,
  /** The loss with its weight. */
  weighted: 4,
  /** Fraction of variance unexplained, whatever the loss. */
  fvu: 5,
  /** Words of a site. */
  words: 8,
} as const;

/** Sites that a model may have. */
export const MOST_SITES = 96;

/** Place in `scalars` of a word of a site. */
export function siteWord(site: number, word: Exclude<keyof typeof SITE, "words">): number {
  return SCALARS.sites + SITE.words * site + SITE[word];
}

/** Place in `scalars` of the fraction of variance that nested prefix `g` leaves unexplained. */
export function prefixWord(g: number): number {
  return SCALARS.sites + SITE.words * MOST_SITES + g;
}

/** Numbers of every model that are logged: metric names and places in `scalars`, in the order of the ring. */
export const RING_FIELDS: readonly { name: string; word: number }[] = [
  { name: "loss/total", word: SCALARS.total },
  { name: "recon/fvu", word: SCALARS.fvu },
  { name: "sparsity/l0", word: SCALARS.l0 },
  { name: "sparsity/dead", word: SCALARS.dead },
  { name: "grad_norm", word: SCALARS.gradNorm },
  { name: "squared_error", word: SCALARS.squaredError },
  { name: "spread", word: SCALARS.spread },
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

/** How many vec4s a thread takes at most, and whether they are neighbours. */
interface ColumnVariant extends Variant {
  most: number;
  near: 0 | 1;
}

/** The ways to share columns, the one that is taken untuned first. */
export function columnVariants({ software }: Pick<DeviceFacts, "software">): ColumnVariant[] {
  const variants = ([1, 0] as const).flatMap((near) =>
    [8, 4, 2].map((most) => ({ name: `${near ? "near" : "strided"} ${most}`, most, near }))
  );
  const first = software ? "near 4" : "strided 8";
  return variants.sort((a, b) => Number(b.name === first) - Number(a.name === first));
}

/** Shares the columns of rows of `d` floats: few threads a row, none of them idle for long. */
export function planColumns(
  d: number,
  facts: Pick<DeviceFacts, "software" | "tuning">,
): ColumnPlan {
  const d4 = Math.ceil(d / 4);
  const { most, near } = pickVariant("columns", columnVariants(facts), facts);
  const sizes = [8, 4, 2].filter((size) => size <= most);
  const columns = sizes.find((size) => d4 >= size * 2 || d4 === size) ?? 1;
  return { columns, threads: Math.ceil(d4 / columns), near };
}
