/**
 * What a safetensors header says, and the names of what can be wrong with it.
 * @module
 */
import { SdmError } from "../base/errors.ts";

/** Which check failed: the reference's names, and ours where we are stricter. */
export type SafetensorsErrorCode =
  | "HeaderTooSmall"
  | "HeaderTooLarge"
  | "InvalidHeaderLength"
  | "InvalidHeader"
  | "InvalidHeaderDeserialization"
  | "InvalidOffset"
  | "ValidationOverflow"
  | "MisalignedSlice"
  | "TensorInvalidInfo"
  | "MetadataIncompleteBuffer"
  | "DuplicateKey"
  | "LimitExceeded";

/** A file that is not a whole, well-formed safetensors file. */
export class SafetensorsError extends SdmError {
  /** Name of the class. */
  override readonly name = "SafetensorsError";
  /** Makes the error of a failed check for the file `path`. */
  constructor(path: string, readonly code: SafetensorsErrorCode, problem: string, cause?: unknown) {
    super(`Cannot read safetensors "${path}": ${problem} (${code})`, { cause });
  }
}

/** One tensor of a file. */
export interface TensorInfo {
  /** Element type, as the format writes it: `F32`, `BF16`, … */
  readonly dtype: string;
  /** Extents, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** First byte, from the start of the data. */
  readonly begin: number;
  /** Byte after the last. */
  readonly end: number;
}

/** What a header says. */
export interface SafetensorsHeader {
  /** Tensors by name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The `__metadata__` strings. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the data starts in the file. */
  readonly dataStart: number;
}

/** Options of the readers. */
export interface SafetensorsOptions {
  /** Behave as the reference does: duplicate names are not an error, and there are no limits on counts. */
  lenient?: boolean;
}
