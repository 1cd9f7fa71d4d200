/**
 * Values and sources as they appear in error sentences.
 * @module
 */

/** A source as it appears in an error sentence: a file in quotes, anything else as it is. */
export function sourceName(source: string): string {
  return /[./\\]|^--/.test(source) ? `"${source}"` : `the ${source}`;
}

/** A value as it appears in an error sentence. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? text.slice(0, 57) + "..." : text;
}
