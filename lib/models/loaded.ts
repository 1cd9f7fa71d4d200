/**
 * What a dictionary that is ready to run takes and gives.
 * @module
 */

/** Codes and sums of some rows, on the host. */
export interface EncodedRows {
  /** Number of rows. */
  rows: number;
  /** First entry of each row, and one past the last of all [rows + 1]. */
  rowStart: Uint32Array;
  /** Latents, ascending within a row. */
  latent: Uint32Array;
  /** Their values, all positive. */
  value: Float32Array;
  /** Of every target the sums of each row, [rows, STATS]: |r|², -, |y|², x·y, |x|², x being the target and y the output. */
  stats: Float32Array[];
  /** Of every target the reconstructions [rows, dOut], when they were asked for. */
  recon?: Float32Array[];
}

/** A dictionary that is ready to run. */
export interface LoadedDictionary {
  /** Rows that a call may have at most. */
  readonly maxRows: number;
  /** Rows of a call are a multiple of this: 1, or the tokens of a sequence. */
  readonly rowUnit: number;
  /** Number of latents, of all layers together. */
  readonly latents: number;
  /** False where the output of a layer depends on the inputs of later ones. */
  readonly layerwise?: boolean;
  /** Widths of the points: inputs, then targets; an autoencoder has one point for both. */
  readonly widths: readonly number[];
  /** Encodes and decodes rows: of every point a row-major matrix [rows ≤ maxRows, its width]. */
  run(points: readonly Float32Array[], withRecon?: boolean): Promise<EncodedRows>;
}
