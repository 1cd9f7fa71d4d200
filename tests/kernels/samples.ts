/**
 * Operands for kernel tests: deterministic, float32, and as awkward as can be.
 * @module
 */
import { RandomStream } from "../../lib/base/random.ts";
import type { Code, EntryNumbers, Matrix } from "../../lib/reference/types.ts";

/** How to draw numbers. */
export interface DrawOptions {
  /** Which draw. */
  seed?: number;
  /** Standard deviation. */
  scale?: number;
  /** Sizes from 1e-8 to 1e8 instead of one scale. */
  wide?: boolean;
}

/** A row of float32 values. */
export function vector(length: number, { seed = 1, scale = 1, wide = false }: DrawOptions = {}) {
  const stream = new RandomStream(seed, "kernel tests");
  return Float64Array.from({ length }, (_, i) => {
    const size = wide ? 10 ** (stream.below(17, 1, i) - 8) : scale;
    return Math.fround(stream.normal(0, i) * size);
  });
}

/** Rows of float32 values. */
export function matrix(rows: number, cols: number, options: DrawOptions = {}): Matrix {
  const all = vector(rows * cols, options);
  return Array.from({ length: rows }, (_, r) => all.slice(r * cols, (r + 1) * cols));
}

/** Sizes of all numbers. */
export function sizes(m: Matrix): Matrix {
  return m.map((row) => row.map(Math.abs));
}

/** How to draw a code. */
export interface CodeOptions {
  /** Which draw. */
  seed?: number;
  /** Latents of a row; drawn between 0 and k where absent. */
  counts?: (row: number) => number;
  /** Latents to choose from. */
  choose?: readonly number[];
}

/** A code of at most `k` latents a row, values positive. */
export function code(rows: number, latents: number, k: number, options: CodeOptions = {}): Code {
  const stream = new RandomStream(options.seed ?? 2, "kernel test codes");
  const pool = options.choose ?? Array.from({ length: latents }, (_, l) => l);
  return Array.from({ length: rows }, (_, r) => {
    const most = Math.min(k, pool.length);
    const count = Math.min(most, options.counts?.(r) ?? stream.below(most + 1, 0, r));
    return pool.map((latent, i) => ({ latent, order: stream.uniform(r + 1, i) }))
      .sort((a, b) => a.order - b.order)
      .slice(0, count)
      .map(({ latent, order }) => ({ latent, value: Math.fround(order + 0.01) }))
      .sort((a, b) => a.latent - b.latent);
  });
}

/** A float32 number of either sign for every entry of a code. */
export function numbersFor(code: Code, seed = 3): EntryNumbers {
  const stream = new RandomStream(seed, "kernel test numbers");
  return code.map((entries, r) => entries.map((_, i) => Math.fround(stream.normal(r, i))));
}

/** A code with more entries a row than kernels with a thread an entry give threads to a row. */
export function longCode(): { name: string; latents: number; k: number; code: Code } {
  return { name: "long rows among short ones", latents: 170, k: 150, code: code(11, 170, 150) };
}

/** Codes that have gone wrong elsewhere: name, shape, code. */
export function awkwardCodes(): { name: string; latents: number; k: number; code: Code }[] {
  return [
    { name: "one row, one latent", latents: 1, k: 1, code: code(1, 1, 1, { counts: () => 1 }) },
    { name: "no entries at all", latents: 5, k: 3, code: code(3, 5, 3, { counts: () => 0 }) },
    { name: "primes", latents: 131, k: 5, code: code(37, 131, 5) },
    { name: "every row full", latents: 70, k: 8, code: code(33, 70, 8, { counts: () => 8 }) },
    {
      name: "all rows the same latent",
      latents: 300,
      k: 4,
      code: code(129, 300, 4, { counts: () => 1, choose: [177] }),
    },
    {
      name: "every second row empty",
      latents: 260,
      k: 7,
      code: code(67, 260, 7, { counts: (r) => r % 2 ? 7 : 0 }),
    },
    { name: "k larger than the latents", latents: 3, k: 16, code: code(40, 3, 16) },
  ];
}
