/**
 * Colours of the terminal, or none.
 * @module
 */

/** Paints pieces of text. */
export interface Style {
  /** Headings and names. */
  bold(text: string): string;
  /** Units and things of second rank. */
  dim(text: string): string;
  /** The moving part: the bar, the sparkline. */
  accent(text: string): string;
  /** Something is well. */
  good(text: string): string;
  /** Something needs attention. */
  warn(text: string): string;
}

const paint = (on: number, off: number) => (text: string) =>
  text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;

/** Paints with the sixteen colours that every terminal has. */
export const coloured: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  accent: paint(36, 39),
  good: paint(32, 39),
  warn: paint(33, 39),
};

const same = (text: string) => text;

/** Leaves text as it is. */
export const plain: Style = { bold: same, dim: same, accent: same, good: same, warn: same };

/** What decides about colours. */
export interface StyleFacts {
  /** Whether the stream is a terminal. */
  isTerminal: boolean;
  /** `NO_COLOR` is set and not empty, or `--no-color` was given. */
  noColor: boolean;
}

/** Colours on a terminal that wants them. */
export function styleFor(facts: StyleFacts): Style {
  return facts.isTerminal && !facts.noColor ? coloured : plain;
}
