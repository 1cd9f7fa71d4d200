/**
 * Exclusive prefix sums.
 * @module
 */

/** `offsets[i]` is the sum of the counts before i; one more than there are counts. */
export function scanCounts(counts: readonly number[]): number[] {
  const offsets = [0];
  for (const count of counts) offsets.push(offsets[offsets.length - 1] + count);
  return offsets;
}
