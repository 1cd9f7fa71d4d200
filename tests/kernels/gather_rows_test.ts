import assert from "assert";
import { gatherRows } from "../../lib/kernels/gather_rows.ts";
import { gatherRows as reference } from "../../lib/reference/gather_rows.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { matrix, vector } from "./samples.ts";

const shapes = [
  { name: "one of one", latents: 1, d: 1, first: 0, width: 64, list: [0] },
  { name: "nothing listed", latents: 7, d: 3, first: 0, width: 64, list: [] },
  {
    name: "last latents of many",
    latents: 300,
    d: 33,
    first: 0,
    width: 64,
    list: [0, 63, 64, 299],
  },
  {
    name: "second panel",
    latents: 260,
    d: 64,
    first: 64,
    width: 64,
    list: Array.from({ length: 100 }, (_, i) => i * 2 + 1),
  },
  {
    name: "a full panel",
    latents: 200,
    d: 6,
    first: 0,
    width: 64,
    list: Array.from({ length: 190 }, (_, i) => i + 5),
  },
];

const cases: KernelCase[] = shapes.map(({ name, latents, d, first, width, list }, i) => ({
  name,
  build(bench) {
    const w = matrix(latents, d, { seed: i });
    const bias = vector(latents, { seed: 60 + i });
    const wanted = reference(list.slice(first, first + width), w, bias);
    const count = wanted.panel.length;
    const panel = bench.outputSheet("panel", width, d);
    const panelBias = bench.output("panel bias", width);
    return {
      commands: gatherRows.record(bench.gpu, {
        // Behind the list stands what an earlier, longer one has left.
        list: bench.words("list", [...list, ...new Array(latents).fill(0)]),
        count: bench.words("count", [list.length]),
        first,
        width,
        w: bench.rows("w", w),
        bias: bench.floats("bias", bias),
        panel: panel.buffer,
        panelBias,
      }),
      verify() {
        const stride = Math.ceil(d / 4) * 4;
        const floats = bench.floatsOf(panel.buffer);
        wanted.panel.forEach((row, r) => {
          const all = [...row, ...new Array(stride - d).fill(0)];
          assert.deepEqual([...floats.subarray(r * stride, (r + 1) * stride)], all);
        });
        const biases = bench.floatsOf(panelBias);
        assert.deepEqual([...biases.subarray(0, count)], wanted.panelBias);
        assert.ok(floats.subarray(count * stride).every(Number.isNaN), "panel beyond the list");
        assert.ok(biases.subarray(count).every(Number.isNaN), "bias beyond the list");
      },
    };
  },
}));

Deno.test("gatherRows copies the listed rows and biases only", () => checkKernel(cases));
