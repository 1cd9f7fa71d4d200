/**
 * The bar of a progress panel. Pure.
 * @module
 */

/** A bar of `width` characters in two parts: what is done, and what is left. */
export function bar(fraction: number, width: number): { done: string; left: string } {
  const part = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  const full = Math.floor(part * width);
  return { done: "━".repeat(full), left: "─".repeat(width - full) };
}
