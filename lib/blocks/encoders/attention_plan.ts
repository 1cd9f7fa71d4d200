/**
 * How attention is cut into pieces that fit memory; pure.
 * @module
 */
import { SdmError } from "../../base/errors.ts";
import { formatBytes } from "../../base/format.ts";
import { ROW_UNIT } from "../../gpu/rows.ts";
import { paddedSize, patternFloats, type Strip, TILE } from "../../kernels/strip.ts";
import { roundUp } from "../../tensor/shards.ts";

/** Bytes that patterns, mixed inputs and their derivatives may take together, unless one head needs more. */
export const ATTENTION_BUDGET = 256 * 2 ** 20;

/** Heads that are worked on together, and the strips in which their queries are. */
export interface AttentionChunk {
  /** First head. */
  firstHead: number;
  /** Heads. */
  heads: number;
  /** Together all queries of all sequences, in order. */
  strips: readonly Strip[];
}

/** The pieces of attention. */
export interface AttentionPlan {
  /** In order of heads. */
  chunks: readonly AttentionChunk[];
  /** Floats of the largest pattern; its derivative takes as many. */
  patternFloats: number;
  /** Heads whose mixed inputs are alive together. */
  heads: number;
  /** Rows of the mixed inputs of a head. */
  blockRows: number;
  /** Whether there is one piece only: what forward made is still there in backward, otherwise it is made again. */
  kept: boolean;
}

/** What attention is planned for. */
export interface AttentionShape {
  /** Rows of the batch. */
  rows: number;
  /** Rows of a sequence. */
  length: number;
  /** Query-key heads. */
  heads: number;
  /** Floats of a row of the input. */
  stride: number;
  /** See {@link ATTENTION_BUDGET}. */
  budgetBytes: number;
  /** Largest binding. */
  maxBindingBytes: number;
}

/**
 * As many heads at a time as fit; where one does not, its queries in strips.
 * @throws SdmError when not even 64 queries with their keys fit one binding
 */
export function planAttention(shape: AttentionShape): AttentionPlan {
  const { rows, length, heads, stride, budgetBytes, maxBindingBytes } = shape;
  const blockRows = roundUp(rows, ROW_UNIT);
  const mixedBytes = blockRows * stride * 4;
  const whole = (n: number): Strip => ({
    heads: n,
    sequences: rows / length,
    length,
    firstSequence: 0,
    firstQuery: 0,
    queries: length,
  });
  const patternBytes = patternFloats(whole(1)) * 4;
  const most = Math.min(
    heads,
    Math.floor(budgetBytes / (2 * (mixedBytes + patternBytes))),
    Math.floor(maxBindingBytes / Math.max(mixedBytes, patternBytes)),
  );
  if (most >= 1) {
    const chunks: AttentionChunk[] = [];
    for (let firstHead = 0; firstHead < heads; firstHead += most) {
      const n = Math.min(most, heads - firstHead);
      chunks.push({ firstHead, heads: n, strips: [whole(n)] });
    }
    const kept = chunks.length === 1;
    return { chunks, patternFloats: patternFloats(whole(most)), heads: most, blockRows, kept };
  }
  const strips = stripsOf(whole(1), Math.min(maxBindingBytes, budgetBytes / 4), maxBindingBytes);
  return {
    chunks: Array.from({ length: heads }, (_, firstHead) => ({ firstHead, heads: 1, strips })),
    patternFloats: Math.max(...strips.map(patternFloats)),
    heads: 1,
    blockRows,
    kept: heads === 1 && strips.length === 1,
  };
}

/** One head in strips: whole sequences while `bytes` hold one, else queries of one sequence. */
function stripsOf(all: Strip, bytes: number, maxBindingBytes: number): Strip[] {
  const { sequences, length } = all;
  const { queries, keys } = paddedSize(all);
  const least = TILE * keys * 4;
  if (least > maxBindingBytes) {
    throw new SdmError(
      `Cannot plan attention: ${TILE} queries with ${length} keys need ${formatBytes(least)}, ` +
        `one binding holds ${formatBytes(maxBindingBytes)}`,
      { hint: "lower data.context_size" },
    );
  }
  const strips: Strip[] = [];
  const together = Math.floor(bytes / (queries * keys * 4));
  for (let s = 0; together >= 1 && s < sequences; s += together) {
    strips.push({ ...all, firstSequence: s, sequences: Math.min(together, sequences - s) });
  }
  if (together >= 1) return strips;
  const each = Math.max(1, Math.floor(bytes / least)) * TILE;
  for (let s = 0; s < sequences; s++) {
    for (let q = 0; q < length; q += each) {
      const own = Math.min(each, length - q);
      strips.push({ ...all, firstSequence: s, sequences: 1, firstQuery: q, queries: own });
    }
  }
  return strips;
}
