/**
 * Which prefixes of a dictionary count in a step, and how much: fixed ones, or drawn anew for every step.
 * Source: architectures spec, section 6.
 * @module
 */
import { RandomStream } from "../../base/random.ts";
import { MOST_PREFIXES, type WeightedPrefix } from "../../kernels/prefix_table.ts";

/** By which law lengths of prefixes are drawn. */
export interface PrefixLaw {
  /** `pareto`: short prefixes are likelier; `uniform`: all lengths alike. */
  readonly name: "pareto" | "uniform";
  /** Exponent of the law `pareto`, above 0; 1 would be uniform. */
  readonly p: number;
  /** Least length. */
  readonly least: number;
}

/** Nested prefixes of a dictionary. */
export interface PrefixOptions {
  /** Cumulative numbers of latents, ascending, that of all latents last; their number alone counts when they are drawn. */
  readonly widths: readonly number[];
  /** Weights of the losses, that of the bias level first where there is one. */
  readonly weights: readonly number[];
  /** Whether the decoder bias alone is one more level. */
  readonly biasLevel: boolean;
  /** Draws the widths of every step, that of all latents excepted. */
  readonly drawn?: PrefixLaw & { readonly seed: number };
}

/** The law of Matryoshka dictionaries with random prefixes. */
export const PARETO: PrefixLaw = { name: "pareto", p: 0.5, least: 1 };

/**
 * Prefixes with equal weights of sum 1; the width of all latents is added where it is missing.
 * @param widths cumulative numbers of latents
 */
export function equalPrefixes(
  widths: readonly number[],
  dSae: number,
  biasLevel = false,
): PrefixOptions {
  const all = widths.at(-1) === dSae ? [...widths] : [...widths, dSae];
  const levels = all.length + (biasLevel ? 1 : 0);
  return { widths: all, weights: new Array(levels).fill(1 / levels), biasLevel };
}

/** Cumulative widths from shares of `dSae`, at least one latent each and no width twice, all latents last. */
export function widthsOfShares(shares: readonly number[], dSae: number): number[] {
  const widths = shares.map((share) => Math.min(dSae, Math.max(1, Math.round(share * dSae))));
  return [...new Set([...widths, dSae])];
}

/**
 * `n` prefixes of `dSae` latents for a step: n - 1 different lengths in {least, …, dSae - 1} and dSae, ascending.
 *
 * A length ℓ has a probability in proportion to `((ℓ - m + 1) / N)^p - ((ℓ - m) / N)^p`, m the least length and
 * N = dSae - m + 1; drawing again what was drawn before makes it a draw without replacement.
 * @throws RangeError when there are not as many lengths
 */
export function samplePrefixes(
  dSae: number,
  n: number,
  law: PrefixLaw,
  stream: RandomStream,
  step: number,
): number[] {
  const lengths = dSae - law.least;
  if (n < 1 || n - 1 > lengths) {
    throw new RangeError(`Cannot draw ${n - 1} lengths of ${lengths}`);
  }
  const p = law.name === "uniform" ? 1 : law.p;
  // The inverse of the cumulative law ((ℓ - m + 1) / N)^p over the lengths below dSae.
  const most = (lengths / (lengths + 1)) ** p;
  const found = new Set<number>();
  for (let i = 0; found.size < n - 1; i++) {
    const place = (lengths + 1) * (most * stream.uniform(step, i)) ** (1 / p);
    found.add(law.least + Math.min(lengths - 1, Math.floor(place)));
  }
  return [...found].sort((a, b) => a - b).concat(dSae);
}

/** The prefixes of step `step` with their weights, ascending; a bias level is one of no latents. */
export function prefixesAt(options: PrefixOptions, step: number): WeightedPrefix[] {
  const { widths, weights, biasLevel, drawn } = options;
  const dSae = widths.at(-1)!;
  const bounds = drawn
    ? samplePrefixes(dSae, widths.length, drawn, new RandomStream(drawn.seed, "prefixes"), step)
    : widths;
  return (biasLevel ? [0, ...bounds] : [...bounds])
    .map((bound, g) => ({ bound, weight: weights[g] }));
}

/**
 * Demands prefixes that a decoder of `dSae` latents can have.
 * @throws RangeError with what is wrong
 */
export function checkPrefixes({ widths, weights, biasLevel }: PrefixOptions, dSae: number): void {
  const levels = widths.length + (biasLevel ? 1 : 0);
  const fault = widths.at(-1) !== dSae
    ? `the last has ${widths.at(-1)} latents of ${dSae}`
    : widths.some((w, g) => w < 1 || (g > 0 && w <= widths[g - 1]))
    ? `widths ${widths.join(", ")} do not ascend`
    : weights.length !== levels
    ? `there are ${weights.length} weights for ${levels} levels`
    : levels > MOST_PREFIXES
    ? `there are ${levels} levels, at most ${MOST_PREFIXES} can be`
    : undefined;
  if (fault) throw new RangeError(`Cannot nest prefixes: ${fault}`);
}
