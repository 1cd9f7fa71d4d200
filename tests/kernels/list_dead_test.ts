import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { listDead } from "../../lib/kernels/list_dead.ts";
import { listDead as reference } from "../../lib/reference/list_dead.ts";
import { scanCounts } from "../../lib/reference/scan_counts.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";

const stream = new RandomStream(4, "dead");
const flags: [string, number[]][] = [
  ["one alive", [0]],
  ["one dead", [1]],
  ["none dead", new Array(70).fill(0)],
  ["all dead", new Array(129).fill(1)],
  ["some dead", Array.from({ length: 1009 }, (_, i) => stream.below(2, 0, i))],
];

const cases: KernelCase[] = flags.map(([name, dead]) => ({
  name,
  build(bench) {
    const list = bench.output("list", dead.length);
    return {
      commands: [listDead.record(bench.gpu, {
        latents: dead.length,
        dead: bench.words("dead", dead),
        offsets: bench.words("offsets", scanCounts(dead)),
        list,
      })],
      verify() {
        const wanted = reference(dead);
        const got = bench.wordsOf(list);
        assert.deepEqual([...got.subarray(0, wanted.length)], wanted);
        assert.ok(got.subarray(wanted.length).every((w) => w === 0x7fc0dead));
      },
    };
  },
}));

Deno.test("listDead lists the dead latents in ascending order", () => checkKernel(cases));
