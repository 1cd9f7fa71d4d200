/**
 * The bytes of a text file in pieces, unpacked as they are read.
 *
 * gzip goes through Node's reader, which the platform's own DecompressionStream is not the equal of: corpora are often
 * several members one after the other. zstd goes through fzstd for the same reason, and because Deno's reader takes a file
 * that is cut short for a whole one.
 * @module
 */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Decompress } from "fzstd";
import { messageOf, SdmError } from "../base/errors.ts";
import { type TextFile, textReadError } from "./text_files.ts";

const PIECE = 1 << 18;

/**
 * The bytes of a file, fetched first where it is elsewhere.
 * @throws {SdmError} when it cannot be read or is not whole.
 */
export async function* textBytes(file: TextFile): AsyncGenerator<Uint8Array> {
  const path = file.locate ? await file.locate() : file.path;
  const pieces = fileBytes(path);
  if (file.packing === undefined) return yield* pieces;
  try {
    yield* file.packing === "gzip" ? gunzipped(pieces) : unzstd(pieces);
  } catch (error) {
    if (error instanceof SdmError) throw error;
    const large = file.packing === "zstd" && /window size/.test(messageOf(error));
    throw new SdmError(
      large
        ? `Cannot read text "${file.path}": it is packed with a window of over 32 MiB, a usual one is needed`
        : `Cannot read text "${file.path}": it is damaged or cut short, a whole ${file.packing} file is needed`,
      { cause: error, hint: large ? "zstd -d unpacks it" : undefined },
    );
  }
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    using open = await Deno.open(path, { read: true });
    while (true) {
      // A new piece each time: the one before may still be on its way through an unpacker.
      const piece = new Uint8Array(PIECE);
      const count = await open.read(piece);
      if (count === null) return;
      yield piece.subarray(0, count);
    }
  } catch (error) {
    throw textReadError(path, error);
  }
}

async function* gunzipped(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const packed = Readable.from(pieces);
  const plain = createGunzip();
  // `pipe` keeps an error of its source to itself.
  packed.on("error", (error) => plain.destroy(error));
  for await (const piece of packed.pipe(plain)) yield piece as Uint8Array;
}

async function* unzstd(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const unpacker = new Decompress((piece) => ready.push(piece));
  const take = () => {
    const taken = ready;
    ready = [];
    return taken;
  };
  for await (const piece of pieces) {
    unpacker.push(piece);
    yield* take();
  }
  unpacker.push(new Uint8Array(0), true);
  yield* take();
}
