/**
 * "Did you mean": the known names nearest to one that is not known.
 * @module
 */

/** Levenshtein distance of two strings, in single-character edits. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}

/**
 * The `count` names nearest to `wanted`, best first; names that share nothing with it are left out.
 * Order of equals is the order of `known`.
 */
export function nearest(wanted: string, known: readonly string[], count = 3): string[] {
  const low = wanted.toLowerCase();
  const scored = known.map((name, order) => {
    const other = name.toLowerCase();
    const contains = low.length > 2 && (other.includes(low) || low.includes(other));
    const distance = editDistance(low, other);
    return { name, order, score: contains ? Math.min(distance, 1) : distance, distance, other };
  });
  return scored
    .filter((s) => s.score <= Math.max(3, Math.ceil(0.6 * Math.max(low.length, s.other.length))))
    .sort((a, b) => a.score - b.score || a.distance - b.distance || a.order - b.order)
    .slice(0, count)
    .map((s) => s.name);
}

/** `did you mean "a", "b" or "c"?`, or an empty string when nothing is near. */
export function didYouMean(wanted: string, known: readonly string[], count = 3): string {
  const names = nearest(wanted, known, count).map((n) => `"${n}"`);
  if (names.length === 0) return "";
  const last = names.pop();
  return `did you mean ${names.length ? names.join(", ") + " or " : ""}${last}?`;
}
