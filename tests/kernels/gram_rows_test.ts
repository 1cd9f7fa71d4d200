import assert from "assert";
import type { DeviceFacts } from "../../lib/gpu/facts.ts";
import { createTexelRows } from "../../lib/gpu/texels.ts";
import { gramRows } from "../../lib/kernels/gram_rows.ts";
import { gramRows as reference } from "../../lib/reference/gram_rows.ts";
import { assertCloseRows, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { matrix, sizes } from "./samples.ts";
import { readTexelRows } from "./texel_rows.ts";

/** Rows and columns: less than a tile, more than one, on both sides of a split. */
const SIZES = [[1, 1], [5, 7], [37, 3], [64, 64], [65, 33], [131, 61], [200, 20]] as const;

const cases: KernelCase[] = SIZES.map(([rows, d], i) => ({
  name: `${rows} rows of ${d}`,
  build(bench) {
    const w = matrix(rows, d, { seed: i, wide: i === 4 });
    const gram = createTexelRows(bench.gpu, "gram", rows, rows);
    const stride = Math.ceil(rows / 4) * 4;
    const out = bench.output("products", rows * stride);
    return {
      commands: [
        ...gramRows.record(bench.gpu, { w: bench.rows("w", w), gram }),
        readTexelRows(bench.gpu, gram, out),
      ],
      verify() {
        const floats = bench.floatsOf(out);
        const bits = bench.wordsOf(out);
        const got = w.map((_, r) =>
          Float64Array.from(floats.subarray(r * stride, r * stride + rows))
        );
        const bounds = reference(sizes(w)).map((row) => row.map((v) => v * sumError(d)));
        assertCloseRows(got, reference(w), bounds, "products");
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < r; c++) {
            assert.equal(
              bits[r * stride + c],
              bits[c * stride + r],
              `bits of ${r}, ${c} both ways`,
            );
          }
        }
      },
    };
  },
}));

/** Whether the adapter of the tests can. */
async function able(): Promise<boolean> {
  return gramRows.plan((await whole()).facts, { rows: 64, d: 64 }) !== undefined;
}

Deno.test("gramRows makes products of all pairs, the same both ways, on any split", async () => {
  if (await able()) await checkKernel(cases, [whole, split]);
});

Deno.test("gramRows is planned for adapters on the CPU with subgroups, and textures that hold it", () => {
  const file = new URL("../golden/devices/lavapipe.json", import.meta.url);
  const facts = JSON.parse(Deno.readTextFileSync(file)) as DeviceFacts;
  const size = { rows: 16384, d: 768 };
  assert.deepEqual(gramRows.plan(facts, size), { LANES: 8, ROWS: 32 });
  assert.equal(gramRows.plan(facts, { ...size, rows: 16385 }), undefined);
  assert.equal(gramRows.plan({ ...facts, subgroupSize: 0 }, size), undefined);
  assert.equal(gramRows.plan({ ...facts, software: false }, size), undefined);
  assert.equal(gramRows.plan({ ...facts, maxTexels: 2 ** 20 }, size), undefined);
});

Deno.test("gramRows.record() refuses a device without a plan", async () => {
  const gpu = await asHardware();
  const w = { label: "w", rows: 8, cols: 8, stride: 8, shards: [] };
  const gram = createTexelRows(gpu, "gram", 8, 8);
  assert.throws(() => gramRows.record(gpu, { w, gram }), /no plan/);
});
