/**
 * Which positions of a token set give rows, and why the others do not.
 *
 * The first position of a context carries activations tens of times larger than the rest (attention sinks) and special
 * tokens are not text; both are left out before training and evaluation, and counted.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { TokenSet } from "./packing.ts";

/** Contexts that are looked at together. */
const CONTEXTS_AT_ONCE = 256;

/** Options of {@link keptPositions}. */
export interface MaskOptions {
  /** Leave out position 0 of every context; default true. */
  dropFirst?: boolean;
  /** Leave out the positions of these token ids; default none. */
  excludeTokens?: readonly number[];
}

/** How many positions were left out, for the manifest. */
export interface DropCounts {
  /** All positions. */
  positions: number;
  /** Rows that are left. */
  kept: number;
  /** Left out as the first of their context. */
  droppedFirst: number;
  /** Left out for their token, and not already as the first. */
  droppedTokens: number;
  /** The same by token id; ids that never occur are not listed. */
  droppedByToken: Record<string, number>;
}

/** What was left out beside what was asked for, as manifests say it. */
export function dropFacts(
  { droppedFirst, droppedTokens, droppedByToken }: DropCounts,
): Record<string, unknown> {
  return {
    first_positions: droppedFirst,
    token_positions: droppedTokens,
    by_token: droppedByToken,
  };
}

/** The rows of a token set. */
export interface KeptPositions {
  /** Positions dropped in every context: [0] or none. */
  readonly droppedPositions: readonly number[];
  /** Token ids dropped wherever they stand, ascending. */
  readonly droppedTokens: readonly number[];
  /** Rows before each context; one more entry than there are contexts, the last is the number of rows. */
  readonly rowStart: Uint32Array;
  /** Number of rows. */
  readonly rows: number;
  /** What was left out. */
  readonly counts: DropCounts;
  /** Whether a token at a position of its context gives a row. */
  keeps(position: number, id: number): boolean;
}

/**
 * Finds the rows of a token set. Only the prefix sums are stored; a position is looked up from its token.
 * @throws {SdmError} when nothing is left.
 */
export function keptPositions(tokens: TokenSet, options: MaskOptions = {}): KeptPositions {
  const dropFirst = options.dropFirst ?? true;
  const droppedTokens = [...new Set(options.excludeTokens ?? [])].sort((a, b) => a - b);
  const excluded = new Uint8Array((droppedTokens.at(-1) ?? -1) + 1);
  for (const id of droppedTokens) excluded[id] = 1;
  const { contexts, contextSize } = tokens;
  const rowStart = new Uint32Array(contexts + 1);
  const byToken = new Map<number, number>();
  let rows = 0;
  const positions = contexts * contextSize;
  for (let first = 0; first < contexts; first += CONTEXTS_AT_ONCE) {
    const count = Math.min(CONTEXTS_AT_ONCE, contexts - first);
    tokens.idsOf(first, count).forEach((id, at) => {
      const isLeftOut = dropFirst && at % contextSize === 0;
      if (!isLeftOut && excluded[id] !== 1) rows++;
      else if (!isLeftOut) byToken.set(id, (byToken.get(id) ?? 0) + 1);
      if ((at + 1) % contextSize === 0) rowStart[first + (at + 1) / contextSize] = rows;
    });
  }
  if (rows === 0) {
    throw new SdmError(
      `Cannot use the text: all ${positions} positions are first positions or excluded tokens, ` +
        "at least one other is needed",
    );
  }
  const droppedFirst = dropFirst ? contexts : 0;
  return Object.freeze({
    droppedPositions: dropFirst ? [0] : [],
    droppedTokens,
    rowStart,
    rows,
    counts: {
      positions,
      kept: rows,
      droppedFirst,
      droppedTokens: positions - rows - droppedFirst,
      droppedByToken: Object.fromEntries(
        [...byToken].sort((a, b) => a[0] - b[0]).map(([id, n]) => [String(id), n]),
      ),
    },
    keeps: (position: number, id: number) => !(dropFirst && position === 0) && excluded[id] !== 1,
  });
}
