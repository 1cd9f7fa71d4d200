/**
 * The model's own attention as plain matrices, for first values.
 * @module
 */

/** The model's own attention: matrices [out, in], head after head; `o` is [heads · width, dOut]. */
export interface AttentionSource {
  /** Query heads. */
  heads: number;
  /** Heads of keys and values; each serves `heads / keyHeads` query heads in a row. */
  keyHeads: number;
  /** Numbers of a head. */
  width: number;
  /** Width of the input. */
  dIn: number;
  /** Width of the output. */
  dOut: number;
  /** [heads · width, dIn]. */
  q: Float32Array;
  /** [keyHeads · width, dIn]. */
  k: Float32Array;
  /** [keyHeads · width, dIn]. */
  v: Float32Array;
  /** [heads · width, dOut]. */
  o: Float32Array;
  /** [heads · width]. */
  bQ: Float32Array;
  /** [keyHeads · width]. */
  bK: Float32Array;
  /** Gains [width] of norms of queries and keys. */
  gainQ?: Float32Array;
  /** Gain of the keys' norm. */
  gainK?: Float32Array;
}
