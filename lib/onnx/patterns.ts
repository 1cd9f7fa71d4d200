/**
 * Patterns that mean several hookpoints at once.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";

/** Whether a name is a pattern. */
export function isPattern(name: string): boolean {
  return name.includes("*");
}

/**
 * The names that a list of names and patterns means, in its order and for a pattern in the order of `known`. `*` stands for
 * anything between two dots.
 * @param doing how the error begins
 * @throws SdmError when a pattern means none of the known names
 */
export function expandPatterns(
  names: readonly string[],
  known: readonly string[],
  doing: string,
): string[] {
  return names.flatMap((name) => {
    if (!isPattern(name)) return [name];
    const parts = name.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = new RegExp(`^${parts.join("[^.]+")}$`);
    const found = known.filter((other) => pattern.test(other));
    if (found.length > 0) return found;
    const forms = [...new Set(known.map((other) => other.replace(/\b\d+\b/g, "*")))];
    throw new SdmError(`${doing}: "${name}" means none of the ${known.length} that there are`, {
      hint: didYouMean(name, forms) || undefined,
    });
  });
}
