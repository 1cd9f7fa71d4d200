/**
 * Reads how many tests passed from what a test program printed.
 * @module
 */

/** What a test program counted. */
export interface Counts {
  /** Tests that passed. */
  passed: number;
  /** Tests that failed; a skipped one counts here, since we have none to skip. */
  failed: number;
}

const SUMMARY =
  /\b(\d+) passed(?: \(\d+ steps?\))?\s*[|,]\s*(\d+) failed(?: \(\d+ steps?\))?(?:\s*[|,]\s*(\d+) (?:ignored|skipped)(?: \(\d+ steps?\))?)?/g;

/**
 * The counts in an output: every line `N passed, M failed` or `ok | N passed | M failed` adds up.
 * @param success whether the program ended with code 0; one that says nothing counts as one test, and one that ends
 *   badly without naming a failure has at least one
 */
export function countTests(output: string, success: boolean): Counts {
  // deno-lint-ignore no-control-regex
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  let passed = 0, failed = 0, summaries = 0;
  for (const [, good, bad, skipped] of plain.matchAll(SUMMARY)) {
    passed += Number(good);
    failed += Number(bad) + Number(skipped ?? 0);
    summaries++;
  }
  if (summaries === 0 && success) passed = 1;
  if (!success && failed === 0) failed = 1;
  return { passed, failed };
}
