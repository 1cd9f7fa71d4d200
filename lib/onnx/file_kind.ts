/**
 * What a file is that was given in place of an ONNX model, told by its first bytes.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";

/** Bytes by which the kind of a file is told. */
export const HEAD_BYTES = 64;

/** Another kind of file. */
export interface OtherKind {
  /** What it is, with its article. */
  what: string;
  /** What would help. */
  hint?: string;
}

const EXPORT = "export the model to ONNX, or take the file that ends in .onnx";
const POINTER: OtherKind = {
  what: "a Git LFS pointer, which stands for the file",
  hint: "git lfs pull",
};
const PICKLE: OtherKind = { what: "a Python pickle, as PyTorch writes them", hint: EXPORT };
const WEB_PAGE: OtherKind = {
  what: "a web page, as a download leaves that went wrong",
  hint: "download the file again",
};

/** Places and bytes, as latin-1 text, by which files are known. */
const MARKS: readonly (readonly [at: number, mark: string, other: OtherKind])[] = [
  [0, "version https://git-lfs", POINTER],
  [0, "PK\x03\x04", { what: "a zip archive, as PyTorch and NumPy write them", hint: EXPORT }],
  [0, "\x80\x02", PICKLE],
  [0, "\x80\x04", PICKLE],
  [0, "\x80\x05", PICKLE],
  // A size of less than 16 MiB in eight bytes, then JSON.
  [3, "\0\0\0\0\0{", { what: "a safetensors file", hint: EXPORT }],
  [4, "ORTM", { what: "a model in ONNX Runtime's own format", hint: EXPORT }],
  [4, "TFL3", { what: "a TensorFlow Lite model", hint: EXPORT }],
  [0, "GGUF", { what: "a GGUF file", hint: EXPORT }],
  [0, "\x89HDF", { what: "an HDF5 file", hint: EXPORT }],
  [0, "PAR1", { what: "a Parquet file" }],
  [0, "\x1f\x8b", { what: "packed with gzip", hint: "gunzip" }],
];
/** Texts by which files are known. */
const TEXTS: readonly (readonly [pattern: RegExp, other: OtherKind])[] = [
  [/^\s*<(!doctype|html|\?xml)/i, WEB_PAGE],
  [/^\s*[{[]\s*["{[}\]]/, { what: "JSON text" }],
];

/** What a file plainly is that is no ONNX model, by its first {@link HEAD_BYTES}. */
export function kindOf(head: Uint8Array): OtherKind | undefined {
  // The decoder called latin1 is another one between 0x80 and 0x9f.
  const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  return MARKS.find(([at, mark]) => text.startsWith(mark, at))?.[2] ??
    TEXTS.find(([pattern]) => pattern.test(text))?.[1];
}

/**
 * Refuses what is plainly another kind of file, before it is read any further.
 * @param head its first {@link HEAD_BYTES}
 * @throws SdmError that says what it is
 */
export function refuseOthers(head: Uint8Array, name: string): void {
  const doing = `Cannot read ONNX model "${name}"`;
  if (head.length === 0) {
    throw new SdmError(`${doing}: the file is empty, an ONNX file is needed`);
  }
  const kind = kindOf(head);
  if (!kind) return;
  throw new SdmError(`${doing}: it is ${kind.what}, an ONNX file is needed`, { hint: kind.hint });
}

/** The error for a file that begins like an ONNX model and then is none. */
export function damaged(name: string, size: number, error: unknown): SdmError {
  return new SdmError(
    `Cannot read ONNX model "${name}": ${messageOf(error)} (${size} bytes in all), ` +
      `a whole ONNX file is needed`,
    { cause: error },
  );
}
