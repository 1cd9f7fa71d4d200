/**
 * Bars and sparklines as text. Pure.
 * @module
 */

const LEVELS = "▁▂▃▄▅▆▇█";

/** A bar of `width` characters in two parts: what is done, and what is left. */
export function bar(fraction: number, width: number): { done: string; left: string } {
  const part = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  const full = Math.floor(part * width);
  return { done: "━".repeat(full), left: "─".repeat(width - full) };
}

/** Means of `values` in at most `buckets` neighbouring groups of nearly equal size. */
export function condense(values: readonly number[], buckets: number): number[] {
  if (values.length <= buckets) return [...values];
  return Array.from({ length: buckets }, (_, i) => {
    const from = Math.floor(i * values.length / buckets);
    const to = Math.floor((i + 1) * values.length / buckets);
    return values.slice(from, to).reduce((sum, v) => sum + v, 0) / (to - from);
  });
}

/** A line of blocks that shows the course of `values`, from their smallest to their largest. */
export function sparkline(values: readonly number[], width: number): string {
  const points = condense(values.filter(Number.isFinite), width);
  const low = Math.min(...points);
  const span = Math.max(...points) - low;
  return points.map((value) => {
    const level = span > 0 ? Math.round((value - low) / span * (LEVELS.length - 1)) : 0;
    return LEVELS[level];
  }).join("");
}
