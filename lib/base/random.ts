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

/** High and low 32 bits of the product of two u32. */
function mulHiLo(a: number, b: number): [number, number] {
  const lo = Math.imul(a, b) >>> 0;
  const aHi = a >>> 16, aLo = a & 0xffff, bHi = b >>> 16, bLo = b & 0xffff;
  const mid = aHi * bLo + ((aLo * bLo) >>> 16);
  const mid2 = aLo * bHi + (mid & 0xffff);
  const hi = (aHi * bHi + Math.floor(mid / 65536) + Math.floor(mid2 / 65536)) >>> 0;
  return [hi, lo];
}

/** Ten rounds of Philox4x32 over a counter of four u32 with a key of two u32. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [hi0, lo0] = mulHiLo(M0, c0 >>> 0);
    const [hi1, lo1] = mulHiLo(M1, c2 >>> 0);
    [c0, c1, c2, c3] = [(hi1 ^ c1 ^ k0) >>> 0, lo1, (hi0 ^ c3 ^ k1) >>> 0, lo0];
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
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
