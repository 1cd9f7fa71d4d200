/**
 * SHA-256 of bytes in memory and of files, streamed.
 * @module
 */
import { createHash } from "node:crypto";
import { readError } from "./read_error.ts";

/** SHA-256 in hex of bytes or of a text's UTF-8; several parts count as one after the other. */
export function sha256(...parts: (string | ArrayBufferView)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(
      typeof part === "string"
        ? part
        : new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
    );
  }
  return hash.digest("hex");
}

/**
 * SHA-256 in hex of a file, read in pieces.
 * @throws {SdmError} when the file cannot be read.
 */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    using file = await Deno.open(path, { read: true });
    const piece = new Uint8Array(1 << 20);
    let count: number | null;
    while ((count = await file.read(piece)) !== null) hash.update(piece.subarray(0, count));
  } catch (error) {
    throw readError(path, error);
  }
  return hash.digest("hex");
}
