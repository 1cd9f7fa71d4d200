/**
 * Writing safetensors: the same bytes as the reference writer for the same tensors, streamed, atomic.
 *
 * Order: element types from wide to narrow as the format enumerates them, then names by their UTF-8 bytes;
 * compact JSON with `__metadata__` first, padded with spaces.
 * @module
 */
import { createHash } from "node:crypto";
import { SdmError } from "../base/errors.ts";
import { firstF16Overflow, MAX_F16, toBf16, toF16 } from "../base/half.ts";
import { AtomicFile } from "./atomic.ts";
import { DTYPE_BITS, dtypeOf, type TensorArray, type WritableDtype } from "./safetensors_dtypes.ts";
import { MAX_HEADER } from "./safetensors_header.ts";

export type { WritableDtype } from "./safetensors_dtypes.ts";

/** A tensor to be written whole from memory. */
export interface MemoryTensor {
  /** Name, any well-formed string but `__metadata__`. */
  name: string;
  /** Extents, outermost first; empty for a scalar. */
  shape: readonly number[];
  /** Elements in C order; float32 becomes F16 or BF16 when `dtype` says so, 16-bit words may be BF16 bits. */
  data: TensorArray;
  /** Type in the file; that of the array when left out. */
  dtype?: WritableDtype;
}

/** A tensor that arrives in pieces, in order. */
export interface StreamedTensor {
  /** Name, any well-formed string but `__metadata__`. */
  name: string;
  /** Extents, outermost first. */
  shape: readonly number[];
  /** Pieces in C order, together as long as the shape says. */
  chunks: AsyncIterable<TensorArray> | Iterable<TensorArray>;
  /** Type in the file. */
  dtype: WritableDtype;
}

/** A tensor to be written. */
export type TensorInput = MemoryTensor | StreamedTensor;

/** Options of the writers. */
export interface SafetensorsWriteOptions {
  /** The file's own strings. */
  metadata?: Record<string, string>;
  /** The data starts at a multiple of this many bytes; a multiple of 8, default 8. */
  alignment?: number;
}

/** Elements that are converted at a time. */
const PIECE = 1 << 20;

interface Placed {
  tensor: TensorInput;
  dtype: WritableDtype;
  elements: number;
}

/**
 * Writes a file: to a temporary name, put on disk, renamed.
 * @returns its length in bytes and its SHA-256 in hex.
 * @throws {SdmError} for a full disk, a value that F16 cannot hold, and so on; {RangeError} for a wrong shape.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorInput[],
  options: SafetensorsWriteOptions = {},
): Promise<{ bytes: number; sha256: string }> {
  const placed = place(tensors);
  const hash = createHash("sha256");
  await using file = await AtomicFile.create(path);
  const write = async (bytes: Uint8Array) => {
    hash.update(bytes);
    await file.write(bytes);
  };
  await write(headerBytes(placed, options));
  for (const { tensor, dtype, elements } of placed) {
    let done = 0;
    for await (const chunk of "chunks" in tensor ? tensor.chunks : [tensor.data]) {
      for (let from = 0; from < chunk.length; from += PIECE) {
        const piece = chunk.subarray(from, from + PIECE) as TensorArray;
        await write(encode(piece, dtype, tensor.name, done + from, path));
      }
      done += chunk.length;
    }
    if (done !== elements) throw wrongLength(tensor, done, elements);
  }
  await file.commit();
  return { bytes: file.written, sha256: hash.digest("hex") };
}

/** The bytes of a file, in memory. */
export function encodeSafetensors(
  tensors: readonly MemoryTensor[],
  options: SafetensorsWriteOptions = {},
): Uint8Array<ArrayBuffer> {
  const placed = place(tensors);
  const header = headerBytes(placed, options);
  const total = placed.reduce((sum, p) => sum + byteLength(p), header.length);
  const bytes = new Uint8Array(total);
  bytes.set(header);
  let at = header.length;
  for (const { tensor, dtype } of placed) {
    const part = encode((tensor as MemoryTensor).data, dtype, tensor.name, 0, "bytes");
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Puts tensors into the reference's order and checks what can be checked before any byte is written. */
function place(tensors: readonly TensorInput[]): Placed[] {
  const names = new Set<string>();
  const rank = new Map([...DTYPE_BITS.keys()].map((dtype, i) => [dtype, i]));
  const placed = tensors.map((tensor): Placed => {
    const { name, shape } = tensor;
    if (names.has(name) || name === "__metadata__" || !name.isWellFormed()) {
      throw new RangeError(`Cannot write tensor ${JSON.stringify(name)}: the name is taken`);
    }
    names.add(name);
    const elements = shape.reduce((product, extent) => product * extent, 1);
    if (!shape.every(Number.isSafeInteger) || shape.some((n) => n < 0) || elements > 2 ** 53) {
      throw new RangeError(`Cannot write tensor "${name}": its shape is [${shape.join(", ")}]`);
    }
    if ("data" in tensor && tensor.data.length !== elements) {
      throw wrongLength(tensor, tensor.data.length, elements);
    }
    return {
      tensor,
      dtype: "data" in tensor ? tensor.dtype ?? dtypeOf(tensor.data) : tensor.dtype,
      elements,
    };
  });
  return placed.sort((a, b) =>
    rank.get(a.dtype)! - rank.get(b.dtype)! || compareUtf8(a.tensor.name, b.tensor.name)
  );
}

function wrongLength(tensor: TensorInput, found: number, needed: number): RangeError {
  return new RangeError(
    `Cannot write tensor "${tensor.name}": it has ${found} elements, ` +
      `its shape [${tensor.shape.join(", ")}] needs ${needed}`,
  );
}

/** Order of UTF-8 bytes, which is the order of code points and not that of UTF-16 units. */
function compareUtf8(a: string, b: string): number {
  const x = [...a], y = [...b];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i].codePointAt(0)! - y[i].codePointAt(0)!;
  }
  return x.length - y.length;
}

function byteLength({ dtype, elements }: Placed): number {
  return elements * DTYPE_BITS.get(dtype)! / 8;
}

function headerBytes(placed: readonly Placed[], options: SafetensorsWriteOptions): Uint8Array {
  const alignment = options.alignment ?? 8;
  if (!(alignment > 0 && alignment % 8 === 0)) {
    throw new RangeError(`Cannot align data to ${alignment} bytes: a multiple of 8 is needed`);
  }
  // Members are joined by hand: an object would put names like "10" before others.
  const members: string[] = [];
  if (options.metadata) members.push(`"__metadata__":${JSON.stringify(options.metadata)}`);
  let begin = 0;
  for (const p of placed) {
    const end = begin + byteLength(p);
    const entry = { dtype: p.dtype, shape: p.tensor.shape, data_offsets: [begin, end] };
    members.push(`${JSON.stringify(p.tensor.name)}:${JSON.stringify(entry)}`);
    begin = end;
  }
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  const total = Math.ceil((8 + json.length) / alignment) * alignment;
  if (total - 8 > MAX_HEADER) {
    throw new RangeError(`Cannot write a header of ${total - 8} bytes: at most ${MAX_HEADER}`);
  }
  const bytes = new Uint8Array(total).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(total - 8), true);
  bytes.set(json, 8);
  return bytes;
}

/** The bytes of a piece in the file's type; `first` is the index of its first element, for errors. */
function encode(
  data: TensorArray,
  dtype: WritableDtype,
  name: string,
  first: number,
  path: string,
): Uint8Array {
  let stored: TensorArray = data;
  if (data instanceof Float32Array && dtype === "F16") {
    const over = firstF16Overflow(data);
    if (over >= 0) {
      throw new SdmError(
        `Cannot write "${path}": element ${first + over} of tensor "${name}" is ${data[over]}, ` +
          `at most ${MAX_F16} fits F16`,
        { hint: "use bfloat16 or float32" },
      );
    }
    stored = toF16(data) as Float16Array<ArrayBuffer>;
  } else if (data instanceof Float32Array && dtype === "BF16") {
    stored = toBf16(data) as Uint16Array<ArrayBuffer>;
  } else if (!sameType(data, dtype)) {
    throw new RangeError(
      `Cannot write tensor "${name}" as ${dtype}: its array is ${dtypeOf(data)}`,
    );
  }
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function sameType(data: TensorArray, dtype: WritableDtype): boolean {
  const own = dtypeOf(data);
  return own === dtype || (own === "U16" && dtype === "BF16") || (own === "U8" && dtype === "BOOL");
}
