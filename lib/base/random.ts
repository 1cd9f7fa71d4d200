/**
 * Counter-based random numbers: Philox4x32-10 keyed by (seed, purpose), addressed by (step, index).
 *
 * A value depends on its address only, never on how many were drawn before it, so that any step of a run
 * can be recomputed. Source of the rounds and constants: Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3" (SC 2011).
 * @module
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** Ten rounds of Philox4x32 over a counter of four u32 with a key of two u32. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  const state = Uint32Array.from(counter);
  philoxInPlace(state, key[0], key[1]);
  return [state[0], state[1], state[2], state[3]];
}

/** Ten rounds in place: `state` holds the counter and becomes the block. No allocation: this is a hot loop. */
function philoxInPlace(state: Uint32Array, key0: number, key1: number): void {
  let k0 = key0, k1 = key1;
  let c0 = state[0], c1 = state[1], c2 = state[2], c3 = state[3];
  for (let round = 0; round < 10; round++) {
    const hi0 = mulHi(M0, c0), lo0 = Math.imul(M0, c0) >>> 0;
    const hi1 = mulHi(M1, c2), lo1 = Math.imul(M1, c2) >>> 0;
    c0 = (hi1 ^ c1 ^ k0) >>> 0;
    c1 = lo1;
    c2 = (hi0 ^ c3 ^ k1) >>> 0;
    c3 = lo0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  state[0] = c0;
  state[1] = c1;
  state[2] = c2;
  state[3] = c3;
}

/** High 32 bits of the product of two u32. */
function mulHi(a: number, b: number): number {
  const aHi = a >>> 16, aLo = a & 0xffff, bHi = b >>> 16, bLo = b & 0xffff;
  const mid = aHi * bLo + ((aLo * bLo) >>> 16);
  const mid2 = aLo * bHi + (mid & 0xffff);
  return (aHi * bHi + Math.floor(mid / 65536) + Math.floor(mid2 / 65536)) >>> 0;
}

/** FNV-1a of a purpose's name, so that streams of different purposes never meet. */
function hashName(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  return h >>> 0;
}

/** A stream of random numbers for one purpose; every method is a pure function of its arguments. */
export class RandomStream {
  readonly #key: [number, number];

  /** A stream for `purpose` ("init", "shuffle", …) under the run's seed. */
  constructor(seed: number, purpose: string) {
    this.#key = [seed >>> 0, hashName(purpose)];
  }

  /** Four u32 at (step, index). */
  block(step: number, index: number): [number, number, number, number] {
    return philox(
      [
        index >>> 0,
        Math.floor(index / 4294967296) >>> 0,
        step >>> 0,
        Math.floor(step / 4294967296),
      ],
      this.#key,
    );
  }

  /** A u32 at (step, index). */
  u32(step: number, index: number): number {
    return this.block(step, index)[0];
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(step: number, index: number): number {
    const [a, b] = this.block(step, index);
    return ((a >>> 5) * 67108864 + (b >>> 6)) / 9007199254740992;
  }

  /** A standard normal number (Box-Muller, one of the pair). */
  normal(step: number, index: number): number {
    const [a, b, c, d] = this.block(step, index);
    const u = ((a >>> 5) * 67108864 + (b >>> 6) + 1) / 9007199254740993;
    const v = ((c >>> 5) * 67108864 + (d >>> 6)) / 9007199254740992;
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  }

  /**
   * Fills `out` with standard normal numbers of step `step`; four numbers a block, 32 random bits each.
   * The values are those of this method only, not of {@link normal}.
   */
  fillNormal(step: number, out: Float32Array): void {
    const state = new Uint32Array(4);
    for (let i = 0; i < out.length; i += 4) {
      const block = i / 4;
      state[0] = block >>> 0;
      state[1] = Math.floor(block / 4294967296) >>> 0;
      state[2] = step >>> 0;
      state[3] = Math.floor(step / 4294967296) >>> 0;
      philoxInPlace(state, this.#key[0], this.#key[1]);
      for (let half = 0; half < 2; half++) {
        const radius = Math.sqrt(-2 * Math.log((state[2 * half] + 1) / 4294967297));
        const angle = 2 * Math.PI * (state[2 * half + 1] / 4294967296);
        const at = i + 2 * half;
        if (at < out.length) out[at] = radius * Math.cos(angle);
        if (at + 1 < out.length) out[at + 1] = radius * Math.sin(angle);
      }
    }
  }

  /** An integer in [0, bound), unbiased to 2^-21. */
  below(bound: number, step: number, index: number): number {
    return Math.floor(this.uniform(step, index) * bound);
  }
}

/**
 * A permutation of [0, size) that is computed a value at a time: a keyed Feistel network of eight rounds
 * on the next even number of bits, walked until the value falls inside.
 */
export class Permutation {
  readonly #halfBits: number;
  readonly #mask: number;
  readonly #keys: number[];

  /** The permutation number `step` of `size` things in `stream`. */
  constructor(readonly size: number, stream: RandomStream, step: number) {
    let bits = 2;
    while (2 ** bits < size) bits += 2;
    this.#halfBits = bits / 2;
    this.#mask = 2 ** this.#halfBits - 1;
    this.#keys = [...stream.block(step, 0), ...stream.block(step, 1)];
  }

  /** Where `index` goes. */
  at(index: number): number {
    let value = index;
    do value = this.#once(value); while (value >= this.size);
    return value;
  }

  #once(value: number): number {
    const unit = this.#mask + 1;
    let left = Math.floor(value / unit);
    let right = value % unit;
    for (const key of this.#keys) {
      let h = Math.imul(right ^ key, 0x9e3779b1) >>> 0;
      h = Math.imul(h ^ (h >>> 15), 0x85ebca77) >>> 0;
      h = (h ^ (h >>> 13)) >>> 0;
      [left, right] = [right, ((left ^ h) & this.#mask) >>> 0];
    }
    return left * unit + right;
  }
}
