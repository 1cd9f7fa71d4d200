import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { trackFiring } from "../../lib/kernels/track_firing.ts";
import { trackFiring as reference } from "../../lib/reference/track_firing.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";

const stream = new RandomStream(5, "firing");
const many = 131;
const states = [
  { name: "first batch of one latent", rows: 1, deadAfter: 1, counts: [0], since: [0], fired: [0] },
  {
    name: "exactly at the bound, one below, beyond",
    rows: 10,
    deadAfter: 100,
    counts: [0, 0, 0, 3],
    since: [90, 89, 91, 1000],
    fired: [0, 1, 2, 3],
  },
  {
    name: "saturates",
    rows: 4096,
    deadAfter: 4294967295,
    counts: [0, 0, 1],
    since: [4294967295, 4294963200, 4294967295],
    fired: [0, 0, 4000000000],
  },
  {
    name: "many",
    rows: 50,
    deadAfter: 60,
    counts: Array.from({ length: many }, (_, i) => stream.below(3, 0, i)),
    since: Array.from({ length: many }, (_, i) => stream.below(40, 1, i)),
    fired: Array.from({ length: many }, (_, i) => stream.below(1000, 2, i)),
  },
];

const cases: KernelCase[] = states.map(({ name, rows, deadAfter, counts, since, fired }) => ({
  name,
  build(bench) {
    const latents = counts.length;
    const sinceFired = bench.state("since fired", Uint32Array.from(since));
    const firedWords = bench.state("fired", Uint32Array.from(fired));
    const dead = bench.output("dead", latents);
    return {
      commands: [trackFiring.record(bench.gpu, {
        latents,
        rows,
        deadAfter,
        counts: bench.words("counts", counts),
        sinceFired,
        fired: firedWords,
        dead,
      })],
      verify() {
        const wanted = reference({ sinceFired: since, fired }, counts, rows, deadAfter);
        assert.deepEqual([...bench.wordsOf(sinceFired)], wanted.sinceFired);
        assert.deepEqual([...bench.wordsOf(firedWords)], wanted.fired);
        assert.deepEqual([...bench.wordsOf(dead)], wanted.dead.map(Number));
      },
    };
  },
}));

Deno.test("trackFiring counts silent tokens, firings and deaths", () => checkKernel(cases));
