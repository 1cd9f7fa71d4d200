/**
 * Stores that can give whole contexts: every position of every context, in text order.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { CountedRows } from "./store_rows.ts";
import type { Store } from "./store_reader.ts";

/** Which rows of whole contexts count in losses and figures; the others still serve their context. */
export interface CountOptions {
  /** First positions do not count. */
  dropFirst: boolean;
  /** Tokens that do not count; `special` means those that the tokenizer calls so. */
  excludeTokens: "special" | readonly number[];
}

/** Tokens of a context of a store, when its manifest tells. */
export function contextSizeOf({ manifest }: Store): number | undefined {
  const size = Number(manifest.data.ctx_len);
  return Number.isInteger(size) && size > 0 ? size : undefined;
}

function excludedIds(
  { path, manifest }: Store,
  wanted: CountOptions["excludeTokens"],
): Set<number> {
  if (wanted !== "special") return new Set(wanted);
  const { special_ids } = manifest.tokenizer;
  if (Array.isArray(special_ids)) return new Set(special_ids.map(Number));
  throw new SdmError(
    `Cannot leave out special tokens: activation store "${path}" does not list them, their ids ` +
      "are needed",
    { hint: "data.exclude_tokens = [0, 1], or [] for none" },
  );
}

/**
 * The contexts of a store, and which of their rows count.
 * @throws {SdmError} when rows were left out of the store, or are not in text order
 */
export function wholeContexts(store: Store, options: CountOptions): CountedRows {
  const { path, manifest } = store;
  const contextSize = contextSizeOf(store);
  const { positions, tokens } = manifest.dropped;
  const left = [
    ...(positions.length ? [`positions ${positions.join(", ")}`] : []),
    ...(tokens.length ? [`${tokens.length} special or excluded tokens`] : []),
  ];
  const found = left.length > 0
    ? `it was harvested without ${left.join(" and ")}`
    : manifest.order !== "sequential"
    ? "its rows are not in text order"
    : contextSize === undefined
    ? "its manifest does not tell the length of a context"
    : manifest.rows % contextSize !== 0
    ? `its ${manifest.rows} rows are not a whole number of contexts of ${contextSize} tokens`
    : undefined;
  if (found !== undefined) {
    throw new SdmError(
      `Cannot read whole contexts from activation store "${path}": ${found}, all positions of ` +
        "all contexts are needed",
      { hint: "harvest it again with --no-drop-first --exclude-tokens []" },
    );
  }
  const excluded = excludedIds(store, options.excludeTokens);
  const { dropFirst } = options;
  return {
    contextSize: contextSize!,
    keeps: (position, id) => !(dropFirst && position === 0) && !excluded.has(id),
  };
}
