/**
 * Token ids and documents of a text, one after the other: in memory while they are few, else in a temporary file.
 * @module
 */

/** A place for bytes outside of memory; `lib/files/spill_file.ts` makes one. */
export interface ByteLog {
  /** Adds bytes at the end. */
  append(bytes: Uint8Array): void;
  /** Fills `into` with the bytes from `offset` on. */
  read(offset: number, into: Uint8Array): void;
  /** Frees it. */
  close(): void;
}

/** When and where ids leave memory. */
export interface SpillOptions {
  /** Ids that may be in memory; default 2^21, of which 8 MiB are needed. */
  memoryTokens?: number;
  /** Makes the place for all ids beyond; without it they stay in memory. */
  spill?: () => ByteLog;
}

const MEMORY_TOKENS = 2 ** 21;
/** Ids that are written at a time. */
const PIECE = 2 ** 16;

/** Ids of a text in order, each with the number of its document. */
export class TokenLog {
  /** Tokens so far. */
  length = 0;
  /** Position of the first token of each document. */
  readonly #starts: number[] = [];
  readonly #most: number;
  /** The ids from `#written` on. */
  #held = new Int32Array(PIECE);
  #log?: ByteLog;
  /** Ids that are in the log. */
  #written = 0;
  /** Bytes of an id in the log. */
  #width: 2 | 4 = 2;

  constructor(readonly options: SpillOptions = {}) {
    this.#most = Math.max(PIECE, options.memoryTokens ?? MEMORY_TOKENS);
  }

  /** Whether ids are outside of memory. */
  get spilled(): boolean {
    return this.#log !== undefined;
  }

  /** Adds a token; documents come in order. */
  add(id: number, document: number): void {
    while (this.#starts.length <= document) this.#starts.push(this.length);
    const at = this.length - this.#written;
    if (at === this.#held.length) return this.#makeRoom(id, document);
    this.#held[at] = id;
    this.length++;
  }

  #makeRoom(id: number, document: number): void {
    const { spill } = this.options;
    if (this.#log || (spill && this.length >= this.#most)) {
      this.#log ??= spill!();
      this.#write(this.#held);
      this.#held = this.#held.length > PIECE ? new Int32Array(PIECE) : this.#held;
    } else {
      const room = 2 * this.#held.length;
      const larger = new Int32Array(spill ? Math.min(this.#most, room) : room);
      larger.set(this.#held);
      this.#held = larger;
    }
    this.add(id, document);
  }

  #write(ids: Int32Array): void {
    if (this.#width === 2 && ids.some((id) => id > 0xffff)) this.#widen();
    const written = this.#width === 2 ? Uint16Array.from(ids) : ids;
    this.#log!.append(new Uint8Array(written.buffer, written.byteOffset, written.byteLength));
    this.#written += ids.length;
  }

  /** Writes everything anew, four bytes an id: a large id came after many that fit two. */
  #widen(): void {
    const narrow = this.#log!, count = this.#written;
    if (count > 0) this.#log = this.options.spill!();
    this.#width = 4;
    for (let first = 0; first < count; first += PIECE) {
      const piece = new Uint16Array(Math.min(PIECE, count - first));
      narrow.read(2 * first, new Uint8Array(piece.buffer));
      this.#log!.append(new Uint8Array(Int32Array.from(piece).buffer));
    }
    if (count > 0) narrow.close();
  }

  /** Ids [first, first + count). */
  ids(first: number, count: number): Int32Array {
    if (!(first >= 0 && count >= 0 && first + count <= this.length)) {
      throw new RangeError(`Cannot read tokens ${first} to ${first + count} of ${this.length}`);
    }
    const out = new Int32Array(count);
    const old = Math.max(0, Math.min(count, this.#written - first));
    if (old > 0) {
      const piece = this.#width === 2 ? new Uint16Array(old) : out.subarray(0, old);
      this.#log!.read(
        first * this.#width,
        new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength),
      );
      if (this.#width === 2) out.set(piece);
    }
    const from = first + old - this.#written;
    out.set(this.#held.subarray(from, from + count - old), old);
    return out;
  }

  /** Documents of tokens [first, first + count). */
  documents(first: number, count: number): Uint32Array {
    const out = new Uint32Array(count);
    const starts = this.#starts;
    let low = 0, high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= first) low = middle;
      else high = middle;
    }
    for (let i = 0; i < count; i++) {
      while (low + 1 < starts.length && starts[low + 1] <= first + i) low++;
      out[i] = low;
    }
    return out;
  }

  /** Frees the file, if there is one; what was in it cannot be read afterwards. */
  close(): void {
    this.#log?.close();
  }
}
