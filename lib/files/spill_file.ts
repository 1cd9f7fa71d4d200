/**
 * A temporary file for what would be too much in memory; it is gone when it is closed, or the program ends.
 * @module
 */
import { writeError } from "./atomic.ts";

/** Bytes outside of memory. */
export interface SpillFile {
  /** Adds bytes at the end. */
  append(bytes: Uint8Array): void;
  /** Fills `into` with the bytes from `offset` on. */
  read(offset: number, into: Uint8Array): void;
  /** Deletes the file. */
  close(): void;
}

/**
 * Makes an empty one in the system's folder for temporary files.
 * @throws SdmError when it cannot be made, or as `append` when the disk is full
 */
export function openSpillFile(): SpillFile {
  let path = "a temporary file";
  let file: Deno.FsFile;
  try {
    path = Deno.makeTempFileSync({ prefix: "sdm-" });
    file = Deno.openSync(path, { read: true, write: true });
  } catch (error) {
    throw writeError(path, error);
  }
  // A name that is taken away at once leaves nothing behind even when the program is killed; Windows refuses that.
  let isNamed = Deno.build.os === "windows";
  if (!isNamed) Deno.removeSync(path);
  let size = 0;
  let isOpen = true;
  return {
    append(bytes) {
      file.seekSync(size, Deno.SeekMode.Start);
      try {
        for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      } catch (error) {
        throw writeError(path, error, size);
      }
      size += bytes.length;
    },
    read(offset, into) {
      if (offset + into.length > size) {
        throw new RangeError(`Cannot read ${into.length} bytes at ${offset} of ${size}`);
      }
      file.seekSync(offset, Deno.SeekMode.Start);
      for (let at = 0; at < into.length;) {
        const read = file.readSync(into.subarray(at));
        if (read === null) throw new Error(`"${path}" ends before its ${size} bytes`);
        at += read;
      }
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      file.close();
      if (isNamed) Deno.removeSync(path);
      isNamed = false;
    },
  };
}
