/**
 * Reading safetensors: from memory, or from a file of which only the rows that are asked for are read.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { fromBf16, fromF16 } from "../base/half.ts";
import { didYouMean } from "../base/nearest.ts";
import { readError } from "./read_error.ts";
import { DTYPE_BITS, type TensorArray, viewAs } from "./safetensors_dtypes.ts";
import { headerLength, parseHeader } from "./safetensors_header.ts";
import type { SafetensorsHeader, SafetensorsOptions, TensorInfo } from "./safetensors_types.ts";

export type { TensorArray } from "./safetensors_dtypes.ts";
export {
  SafetensorsError,
  type SafetensorsErrorCode,
  type SafetensorsOptions,
  type TensorInfo,
} from "./safetensors_types.ts";

/** Which rows (entries of the first axis) to read; all of them when left out. */
export interface RowRange {
  /** First row, default 0. */
  firstRow?: number;
  /** Number of rows, default all from `firstRow`. */
  rows?: number;
}

/** A tensor in memory. */
export interface LoadedTensor extends TensorInfo {
  /** Its elements, in their own type; BF16 as bits. */
  readonly data: TensorArray;
}

/** Bytes that one read asks for when elements are converted on the way. */
const PIECE = 1 << 22;

/**
 * Tensors of a whole file in memory. Data that does not start at a multiple of its element is copied.
 * @param path what errors call the bytes.
 * @throws {SafetensorsError} when the bytes are not a whole safetensors file.
 */
export function parseSafetensors(
  bytes: Uint8Array<ArrayBuffer>,
  path = "bytes",
  options: SafetensorsOptions = {},
): { tensors: Map<string, LoadedTensor>; metadata: ReadonlyMap<string, string> } {
  const length = headerLength(bytes, bytes.length, path);
  const header = parseHeader(bytes.subarray(8, 8 + length), bytes.length, path, options);
  const tensors = new Map<string, LoadedTensor>();
  for (const [name, info] of header.tensors) {
    let data = bytes.subarray(header.dataStart + info.begin, header.dataStart + info.end);
    if (data.byteOffset % 8 !== 0) data = data.slice();
    tensors.set(name, { ...info, data: viewAs(info.dtype, data) });
  }
  return { tensors, metadata: header.metadata };
}

/** An open safetensors file; reads may overlap in time, they are done one after the other. */
export class SafetensorsFile implements Disposable {
  #file: Deno.FsFile | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly path: string,
    file: Deno.FsFile,
    readonly header: SafetensorsHeader,
  ) {
    this.#file = file;
  }

  /**
   * Opens a file and checks its header against its length; no data is read.
   * @throws {SafetensorsError} when it is not a whole safetensors file; {SdmError} when it cannot be read.
   */
  static async open(path: string, options: SafetensorsOptions = {}): Promise<SafetensorsFile> {
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(path, { read: true });
      const { size, isFile } = await file.stat();
      if (!isFile) throw new SdmError(`Cannot read "${path}": it is not a file, one is needed`);
      const first = new Uint8Array(8);
      await readFully(file, first.subarray(0, Math.min(8, size)), 0, path);
      const json = new Uint8Array(headerLength(first, size, path));
      await readFully(file, json, 8, path);
      return new SafetensorsFile(path, file, parseHeader(json, size, path, options));
    } catch (error) {
      file?.close();
      throw readError(path, error);
    }
  }

  /** Names of the tensors, in the order of their data. */
  get names(): string[] {
    return [...this.header.tensors.keys()];
  }

  /** The file's own strings. */
  get metadata(): ReadonlyMap<string, string> {
    return this.header.metadata;
  }

  /** Whether the file has a tensor of that name. */
  has(name: string): boolean {
    return this.header.tensors.has(name);
  }

  /**
   * Type, shape and place of a tensor.
   * @throws {SdmError} when there is none of that name.
   */
  info(name: string): TensorInfo {
    const info = this.header.tensors.get(name);
    if (info) return info;
    throw new SdmError(
      `Cannot read tensor "${name}" of "${this.path}": it is not in the file, ` +
        `one of its ${this.header.tensors.size} tensors is needed`,
      { hint: didYouMean(name, this.names) || `it has ${this.names.slice(0, 12).join(", ")}` },
    );
  }

  /** Rows of a tensor in their own type; BF16 as bits. */
  async read(name: string, range: RowRange = {}): Promise<TensorArray> {
    const info = this.info(name);
    const { start, bytes } = this.#span(name, info, range);
    const data = new Uint8Array(bytes);
    await this.#readAt(data, start);
    return viewAs(info.dtype, data);
  }

  /**
   * Rows of a tensor of F32, F16, BF16 or F64 as float32; never more than the rows and one small piece are in memory.
   * @param out where to put them; it must be as long as the rows are.
   * @throws {SdmError} for a tensor of another type.
   */
  async readFloat32(
    name: string,
    range: RowRange = {},
    out?: Float32Array<ArrayBuffer>,
  ): Promise<Float32Array<ArrayBuffer>> {
    const info = this.info(name);
    if (!["F32", "F16", "BF16", "F64"].includes(info.dtype)) {
      throw new SdmError(
        `Cannot read tensor "${name}" of "${this.path}" as float32: its type is ${info.dtype}, ` +
          "F32, F16, BF16 or F64 is needed",
      );
    }
    const { start, bytes } = this.#span(name, info, range);
    const size = DTYPE_BITS.get(info.dtype)! / 8;
    const floats = out ?? new Float32Array(bytes / size);
    if (floats.length !== bytes / size) {
      throw new RangeError(`Cannot read "${name}": out has ${floats.length}, not ${bytes / size}`);
    }
    if (info.dtype === "F32") {
      await this.#readAt(new Uint8Array(floats.buffer, floats.byteOffset, bytes), start);
      return floats;
    }
    const piece = new Uint8Array(Math.min(PIECE, bytes));
    for (let done = 0; done < bytes; done += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, bytes - done));
      await this.#readAt(part, start + done);
      const from = done / size;
      convert(viewAs(info.dtype, part), floats.subarray(from, from + part.length / size));
    }
    return floats;
  }

  /** Closes the file; nothing happens the second time. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.close();
  }

  #span(name: string, info: TensorInfo, range: RowRange): { start: number; bytes: number } {
    const total = info.shape[0] ?? 1;
    const firstRow = range.firstRow ?? 0;
    const rows = range.rows ?? total - firstRow;
    if (!(firstRow >= 0 && rows >= 0 && firstRow + rows <= total)) {
      throw new RangeError(
        `Cannot read rows ${firstRow} to ${firstRow + rows} of "${name}": it has ${total} rows`,
      );
    }
    const rowBytes = total === 0 ? 0 : (info.end - info.begin) / total;
    const start = this.header.dataStart + info.begin + firstRow * rowBytes;
    return { start, bytes: rows * rowBytes };
  }

  /** The position of a file is shared, so a seek and its reads must not meet another's. */
  #readAt(into: Uint8Array, at: number): Promise<void> {
    const next = this.#queue.then(async () => {
      if (!this.#file) throw new TypeError(`Cannot read "${this.path}": the file is closed`);
      try {
        await readFully(this.#file, into, at, this.path);
      } catch (error) {
        throw readError(this.path, error);
      }
    });
    this.#queue = next.catch(() => {});
    return next;
  }
}

function convert(from: TensorArray, to: Float32Array): void {
  if (from instanceof Uint16Array) fromBf16(from, to);
  else if (from instanceof Float16Array) fromF16(from, to);
  else to.set(from as Float64Array);
}

async function readFully(
  file: Deno.FsFile,
  into: Uint8Array,
  at: number,
  path: string,
): Promise<void> {
  await file.seek(at, Deno.SeekMode.Start);
  for (let done = 0; done < into.length;) {
    const count = await file.read(into.subarray(done));
    if (count === null) {
      throw new SdmError(
        `Cannot read "${path}": it became shorter while it was read, a whole file is needed`,
      );
    }
    done += count;
  }
}
