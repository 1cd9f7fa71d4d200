/**
 * Operands of the kernels of a pursuit: picks on the host, as the device stores them, and rules as cases.
 */
import { RandomStream } from "../../lib/base/random.ts";
import type { Picks } from "../../lib/kernels/picks.ts";
import { type PickLists, pursuitFinish } from "../../lib/reference/pursuit_finish.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { type Bench, bitsOf } from "./bench.ts";

/** Random picks, up to `iterations` a row, of few enough latents that some repeat. */
export function randomPicks(
  rows: number,
  latents: number,
  iterations: number,
  options: { seed?: number; count?: (row: number) => number; signed?: boolean } = {},
): PickLists {
  const stream = new RandomStream(options.seed ?? 4, "kernel test picks");
  return Array.from({ length: rows }, (_, r) => {
    const count = options.count?.(r) ?? stream.below(iterations + 1, 0, r);
    return Array.from({ length: count }, (_, t) => ({
      latent: stream.below(latents, r + 1, t),
      value: Math.fround(
        (stream.uniform(r + 1, 1000 + t) + 0.01) * (options.signed && t % 3 === 1 ? -1 : 1),
      ),
    }));
  });
}

/** The words of `order`, see `pursuit_finish`. */
export function packOrder(picks: PickLists, capacity: number): Uint32Array {
  const { homes, entryHomes } = pursuitFinish(picks);
  const words = new Uint32Array(picks.length * capacity * 4);
  picks.forEach((row, r) =>
    row.forEach(({ latent, value }, t) => {
      const home = entryHomes[r][t] ?? 0;
      words.set([latent, bitsOf([value])[0], homes[r][t], home], (r * capacity + t) * 4);
    })
  );
  return words;
}

/** What of the picks a kernel may only read, and what it writes. */
export type Held = "read" | "write";

/** Picks as buffers. Where they are only read, nonsense stands behind the picks of `latents`, zeros in `values`. */
export function heldPicks(
  bench: Bench,
  picks: PickLists,
  iterations: number,
  held: { lists: Held; order: Held; done?: readonly number[]; best?: Uint32Array },
): Picks {
  const rows = picks.length;
  const capacity = roundUp(iterations, 4);
  const latents = new Uint32Array(rows * capacity).fill(0xabcdef);
  const values = new Float32Array(rows * capacity);
  picks.forEach((row, r) =>
    row.forEach((pick, t) => {
      latents[r * capacity + t] = pick.latent;
      values[r * capacity + t] = pick.value;
    })
  );
  const written = held.lists === "write";
  const done = Uint32Array.from(held.done ?? new Array(rows).fill(0));
  return {
    rows,
    iterations,
    capacity,
    latents: written ? bench.state("latents", latents) : bench.words("latents", latents),
    values: written ? bench.state("values", bitsOf(values)) : bench.floats("values", values),
    done: written ? bench.state("done", done) : bench.words("done", done),
    best: held.best ? bench.words("best", held.best) : bench.output("best", rows * 2),
    order: held.order === "write"
      ? bench.output("order", rows * capacity * 4)
      : bench.words("order", packOrder(picks, capacity)),
  };
}

/** The picks that buffers hold: those before the first zero. */
export function picksOf(bench: Bench, picks: Picks): PickLists {
  const latents = bench.wordsOf(picks.latents);
  const values = bench.floatsOf(picks.values);
  return Array.from({ length: picks.rows }, (_, r) => {
    const base = r * picks.capacity;
    const row = Array.from({ length: picks.capacity }, (_, t) => ({
      latent: latents[base + t],
      value: values[base + t],
    }));
    const end = row.findIndex(({ value }) => value === 0);
    return end < 0 ? row : row.slice(0, end);
  });
}

/** Lists of picks that have gone wrong elsewhere. */
export function awkwardPicks(): {
  name: string;
  latents: number;
  iterations: number;
  picks: PickLists;
}[] {
  const one = { latents: 1, iterations: 1 };
  return [
    { name: "one pick", ...one, picks: [[{ latent: 0, value: 0.5 }]] },
    { name: "no pick at all", latents: 5, iterations: 3, picks: [[], [], []] },
    { name: "primes", latents: 131, iterations: 5, picks: randomPicks(37, 131, 5) },
    {
      name: "one latent again and again",
      latents: 300,
      iterations: 9,
      picks: randomPicks(70, 300, 9).map((row) => row.map((p) => ({ ...p, latent: 177 }))),
    },
    {
      name: "few latents, every row full",
      latents: 6,
      iterations: 13,
      picks: randomPicks(40, 6, 13, { seed: 5, count: () => 13 }),
    },
    {
      name: "values of both signs",
      latents: 67,
      iterations: 8,
      picks: randomPicks(33, 67, 8, { seed: 6, signed: true }),
    },
    {
      name: "every second row empty",
      latents: 260,
      iterations: 7,
      picks: randomPicks(67, 260, 7, { seed: 7, count: (r) => r % 2 ? 7 : 0 }),
    },
  ];
}
