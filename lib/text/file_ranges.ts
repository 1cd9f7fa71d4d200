/**
 * Pieces of a file on disk.
 * @module
 */
import { type ByteRanges, textReadError } from "./text_files.ts";

/**
 * Opens a file for reading in pieces.
 * @throws {SdmError} when it cannot be read
 */
export async function fileRanges(path: string): Promise<ByteRanges> {
  try {
    const { size } = await Deno.stat(path);
    return {
      byteLength: size,
      async slice(start, end = size) {
        using open = await Deno.open(path, { read: true });
        await open.seek(start, Deno.SeekMode.Start);
        const bytes = new Uint8Array(end - start);
        for (let at = 0; at < bytes.length;) {
          const count = await open.read(bytes.subarray(at));
          if (count === null) throw new Error("it is shorter than it was");
          at += count;
        }
        return bytes.buffer;
      },
    };
  } catch (error) {
    throw textReadError(path, error);
  }
}
