import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { SCAN_CHUNK } from "../../lib/kernels/code.ts";
import { scanCounts } from "../../lib/kernels/scan_counts.ts";
import { scanCounts as reference } from "../../lib/reference/scan_counts.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";

const stream = new RandomStream(9, "scan test");

// 64 · 64 + 1: more chunks than the threads of one workgroup.
const cases: KernelCase[] = [1, 2, 63, 64, 65, 127, 1009, 4097].map((n, i) => ({
  name: `${n} counts`,
  build(bench) {
    const counts = Array.from({ length: n }, (_, j) => i === 3 ? 0 : stream.below(5000, i, j));
    const offsets = bench.output("offsets", n + 1);
    return {
      commands: scanCounts.record(bench.gpu, {
        n,
        counts: bench.words("counts", counts),
        chunkStarts: bench.scratch("chunk starts", Math.ceil(n / SCAN_CHUNK)),
        offsets,
      }),
      verify: () => assert.deepEqual(Array.from(bench.wordsOf(offsets)), reference(counts)),
    };
  },
}));

Deno.test("scanCounts sums what comes before, and the total", () => checkKernel(cases));
