/**
 * Buffers of one case of a kernel test. Each has a guard band behind it, half quiet NaN, so that reading beyond the end
 * poisons a result, half large numbers, which no arithmetic leaves as they are; outputs are full of NaN before a run.
 * @module
 */
import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Slice } from "../../lib/gpu/kernel.ts";
import { ROW_UNIT, type Rows } from "../../lib/gpu/rows.ts";
import type { CodeByRow } from "../../lib/kernels/code.ts";
import type { Code, EntryNumbers, Matrix } from "../../lib/reference/types.ts";
import { planShards, roundUp } from "../../lib/tensor/shards.ts";

const SENTINEL = 0x7fc0dead;
const LARGE = 0x5ca1ab1e;
const GUARD_WORDS = 64;

interface Held {
  label: string;
  buffer: GPUBuffer;
  initial: Uint32Array<ArrayBuffer>;
  words: number;
  written: boolean;
}

/** A matrix in one buffer. */
export interface Sheet {
  /** Its buffer: rows up to a multiple of ROW_UNIT, columns up to a multiple of 4. */
  buffer: GPUBuffer;
  /** Rows. */
  rows: number;
  /** Columns. */
  cols: number;
}

/** Bits of float32 values. */
export function bitsOf(values: ArrayLike<number>): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Float32Array.from(values).buffer);
}

function padded(m: Matrix, rows: number, stride: number): Float32Array {
  const out = new Float32Array(rows * stride);
  m.forEach((row, r) => out.set(row, r * stride));
  return out;
}

/** Makes, resets, reads and checks the buffers of one case on one device. */
export class Bench {
  readonly #held: Held[] = [];
  readonly #logical: { label: string; read: () => Uint32Array }[] = [];
  #answers: Uint32Array[] = [];

  /** Buffers on `gpu`. */
  constructor(readonly gpu: Gpu) {}

  #hold(label: string, payload: Uint32Array, written: boolean): GPUBuffer {
    const words = roundUp(Math.max(payload.length, 4), 4);
    const initial = new Uint32Array(words + GUARD_WORDS)
      .map((_, i) => Math.floor(i / 4) % 2 ? SENTINEL : LARGE);
    initial.set(payload);
    // Not createBuffer: the guard may be longer than the small bindings of a test allow.
    const buffer = this.gpu.device.createBuffer({
      label,
      size: initial.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    this.#held.push({ label, buffer, initial, words: payload.length, written });
    return buffer;
  }

  /** Words that the kernel may only read. */
  words(label: string, values: ArrayLike<number>): GPUBuffer {
    return this.#hold(label, Uint32Array.from(values), false);
  }

  /** Floats that the kernel may only read. */
  floats(label: string, values: ArrayLike<number>): GPUBuffer {
    return this.#hold(label, bitsOf(values), false);
  }

  /** A vector, zero up to a multiple of 4. */
  vector(label: string, values: ArrayLike<number>): GPUBuffer {
    const out = new Float32Array(roundUp(values.length, 4));
    out.set(Array.from(values));
    return this.#hold(label, bitsOf(out), false);
  }

  /** A matrix in one buffer that the kernel may only read. */
  sheet(label: string, m: Matrix): Sheet {
    const cols = m[0].length;
    const data = padded(m, roundUp(m.length, ROW_UNIT), roundUp(cols, 4));
    return { buffer: this.#hold(label, bitsOf(data), false), rows: m.length, cols };
  }

  /** A matrix in as many buffers as the device needs, that the kernel may only read. */
  rows(label: string, m: Matrix): Rows {
    return this.#rows(label, m, m.length, m[0].length, false);
  }

  /** `count` words that the kernel writes. */
  output(label: string, count: number): GPUBuffer {
    return this.state(label, new Uint32Array(count).fill(SENTINEL));
  }

  /** Words that the kernel reads and writes. */
  state(label: string, words: Uint32Array): GPUBuffer {
    const buffer = this.#hold(label, words, true);
    this.#logical.push({ label, read: () => this.wordsOf(buffer) });
    return buffer;
  }

  /** Words that the kernel writes and nobody compares. */
  scratch(label: string, count: number): GPUBuffer {
    return this.#hold(label, new Uint32Array(count).fill(SENTINEL), true);
  }

  /** A matrix in one buffer that the kernel writes; padding columns count as written. */
  outputSheet(label: string, rows: number, cols: number): Sheet {
    return { buffer: this.output(label, rows * roundUp(cols, 4)), rows, cols };
  }

  /** A matrix in as many buffers as the device needs, that the kernel reads and writes. */
  stateRows(label: string, m: Matrix): Rows {
    return this.#rows(label, m, m.length, m[0].length, true);
  }

  /** The same, full of NaN before the run. */
  outputRows(label: string, rows: number, cols: number): Rows {
    return this.#rows(label, undefined, rows, cols, true);
  }

  #rows(label: string, m: Matrix | undefined, rows: number, cols: number, written: boolean): Rows {
    const stride = roundUp(cols, 4);
    const ranges = planShards(rows, stride * 4, this.gpu.facts.maxBindingBytes, ROW_UNIT);
    const shards = ranges.map((range, i) => {
      const all = roundUp(range.rows, ROW_UNIT);
      const payload = m
        ? bitsOf(padded(m.slice(range.firstRow, range.firstRow + range.rows), all, stride))
        : new Uint32Array(all * stride).fill(SENTINEL, 0, range.rows * stride);
      return { ...range, buffer: this.#hold(`${label} ${i}`, payload, written) };
    });
    const out: Rows = { label, rows, cols, stride, shards };
    if (written) this.#logical.push({ label, read: () => this.#gather(out) });
    return out;
  }

  /**
   * A code by rows, with room for `capacity` entries a row; `dz` to be written where absent. Behind the entries of a row
   * stands what an earlier batch may have left: latents that exist, with large values.
   */
  code(code: Code, capacity: number, dz?: EntryNumbers): CodeByRow {
    const room = roundUp(capacity, 4);
    const spans = new Uint32Array(code.length * 2);
    const stale = bitsOf([1e30])[0];
    const entries = new Uint32Array(code.length * room * 2).map((_, i) => i % 2 ? stale : 0);
    const derivatives = new Uint32Array(code.length * room).fill(SENTINEL);
    code.forEach((row, r) => {
      spans.set([r * room, r * room + row.length], r * 2);
      row.forEach(({ latent, value }, i) => {
        entries.set([latent, bitsOf([value])[0]], (r * room + i) * 2);
        if (dz) derivatives[r * room + i] = bitsOf([dz[r][i]])[0];
      });
    });
    return {
      rows: code.length,
      capacity: room,
      spans: this.words("spans", spans),
      entries: this.words("entries", entries),
      dz: dz ? this.words("dz", derivatives) : this.state("dz", derivatives),
    };
  }

  /** Writes what every buffer holds before a run. */
  reset(): void {
    for (const { buffer, initial } of this.#held) {
      this.gpu.device.queue.writeBuffer(buffer, 0, initial);
    }
  }

  /** What has to be read after a run. */
  get slices(): Slice[] {
    return this.#held.map(({ buffer }) => ({ buffer }));
  }

  /** Takes what was read; fails when a guard or an input changed. */
  take(bytes: readonly ArrayBuffer[]): void {
    this.#answers = bytes.map((b) => new Uint32Array(b));
    this.#held.forEach(({ label, initial, words, written }, i) => {
      const from = written ? words : 0;
      const at = this.#answers[i].findIndex((word, j) => j >= from && word !== initial[j]);
      const what = at < words ? "the input" : "the guard behind";
      assert.ok(at < 0, `word ${at} of ${what} "${label}" (${words} words) changed`);
    });
  }

  /** Has runs and devices compared by something that the test computes. */
  compare(label: string, read: () => Uint32Array): void {
    this.#logical.push({ label, read });
  }

  /** Every output, for comparing runs and devices. */
  snapshot(): Map<string, Uint32Array> {
    return new Map(this.#logical.map(({ label, read }) => [label, read()]));
  }

  /** The words of a buffer after the run. */
  wordsOf(buffer: GPUBuffer): Uint32Array {
    const i = this.#held.findIndex((h) => h.buffer === buffer);
    return this.#answers[i].slice(0, this.#held[i].words);
  }

  /** The floats of a buffer after the run. */
  floatsOf(buffer: GPUBuffer): Float32Array {
    return new Float32Array(this.wordsOf(buffer).buffer);
  }

  /** The rows of a matrix after the run; fails where a padding column is not zero. */
  matrixOf(m: Sheet | Rows): Matrix {
    const stride = roundUp(m.cols, 4);
    const words = "shards" in m ? this.#gather(m) : this.wordsOf(m.buffer);
    const floats = new Float32Array(words.buffer);
    return Array.from({ length: m.rows }, (_, r) => {
      const padding = floats.subarray(r * stride + m.cols, (r + 1) * stride);
      assert.ok(padding.every((v) => v === 0), `padding of row ${r} is [${padding}]`);
      return Float64Array.from(floats.subarray(r * stride, r * stride + m.cols));
    });
  }

  #gather(m: Rows): Uint32Array {
    const out = new Uint32Array(m.rows * m.stride);
    for (const { buffer, firstRow, rows } of m.shards) {
      const words = this.wordsOf(buffer);
      out.set(words.subarray(0, rows * m.stride), firstRow * m.stride);
      const surplus = words.subarray(rows * m.stride);
      assert.ok(surplus.every((w) => w === 0), `surplus rows of "${m.label}" are not zero`);
    }
    return out;
  }

  /** Frees the buffers. */
  destroy(): void {
    for (const { buffer } of this.#held) buffer.destroy();
  }
}
