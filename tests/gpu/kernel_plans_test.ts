/** Plans are pure, so that devices which nobody here owns are tested too: their facts are in tests/golden/devices. */
import assert from "assert";
import { type DeviceFacts, MINIMAL_FACTS } from "../../lib/gpu/facts.ts";
import { gridFor } from "../../lib/gpu/kernel.ts";
import { ROW_UNIT } from "../../lib/gpu/rows.ts";
import { planColumns } from "../../lib/kernels/common.ts";
import { planCapacity } from "../../lib/kernels/capacity.ts";
import { emitPanel } from "../../lib/kernels/emit_panel.ts";
import { encodeGemm, type EncodePlan } from "../../lib/kernels/encode_gemm.ts";
import { topkMerge } from "../../lib/kernels/topk_merge.ts";
import { planShards, roundUp } from "../../lib/tensor/shards.ts";

const VARIANTS: Record<string, EncodePlan["variant"]> = {
  h200: "staged 8x4",
  intel: "staged 8x4",
  lavapipe: "texels 32",
  m4: "staged 8x4",
  minimal: "staged 8x4",
  rtx4090: "staged 8x4",
};

const devices: [string, DeviceFacts][] = Object.keys(VARIANTS).map((name) => {
  const file = new URL(`../golden/devices/${name}.json`, import.meta.url);
  return [name, Object.freeze(JSON.parse(Deno.readTextFileSync(file)))];
});

const shapes = [
  { rows: 1, latents: 1, d: 1 },
  { rows: 4096, latents: 1024, d: 768 },
  { rows: 131, latents: 24577, d: 2304 },
  { rows: 131072, latents: 1024, d: 4096 },
  { rows: 1048576, latents: 65536, d: 768 },
];

Deno.test("the stored facts of the smallest device are those of the library", () => {
  assert.deepEqual(Object.fromEntries(devices).minimal, MINIMAL_FACTS);
});

for (const [name, facts] of devices) {
  Deno.test(`encodeGemm.plan() covers every shape on ${name}`, () => {
    for (const shape of shapes) {
      const plan = encodeGemm.plan(Object.freeze({ ...shape }), facts);
      assert.deepEqual(plan, encodeGemm.plan({ ...shape }, { ...facts }), "plan() is not pure");
      const texels = roundUp(Math.max(shape.rows, shape.latents), ROW_UNIT) * shape.d / 4;
      const small = name !== "lavapipe" || texels <= facts.maxTexels;
      assert.equal(plan.variant, small ? VARIANTS[name] : "subgroup 32");
      const { tile } = plan;
      assert.ok(tile.group <= facts.maxInvocations);
      assert.equal(ROW_UNIT % tile.rows, 0, "a tile would reach beyond the padded rows");
      assert.equal(plan.tiles * tile.latents, roundUp(shape.latents, ROW_UNIT));
      const cells = roundUp(shape.latents, ROW_UNIT) * roundUp(shape.rows, ROW_UNIT);
      assert.equal(plan.groups * tile.rows * tile.latents, cells);
      const [x, y, z] = plan.grid;
      const needed = Math.ceil(plan.groups * tile.threads / tile.group);
      assert.ok(x <= facts.maxGroups && y <= facts.maxGroups && z === 1);
      assert.ok(x * y >= needed && x * y - needed < x, `${x} x ${y} groups for ${needed}`);
    }
  });

  Deno.test(`topkMerge.plan() gives every row a thread or a subgroup on ${name}`, () => {
    const lanes = facts.subgroupSize;
    for (const rows of [1, 4096, 1048576]) {
      for (const capacity of [4, 32, 256, 4096]) {
        const plan = topkMerge.plan({ rows, capacity, panel: 1024 }, facts);
        const [x, y] = plan.grid;
        const threads = plan.variant === "subgroup" ? rows * lanes : rows;
        assert.ok(x * y * 64 >= threads && x <= facts.maxGroups && y <= facts.maxGroups);
        if (plan.variant === "thread") continue;
        const held = plan.vecs * (plan.variant === "subgroup" ? lanes : 1) * 4;
        assert.ok(held >= capacity, "the list does not fit");
        assert.equal(256 % plan.group, 0, "a group would reach beyond the panel");
      }
    }
    const short = topkMerge.plan({ rows: 9, capacity: 32, panel: 1024 }, facts);
    assert.equal(short.variant, lanes && !facts.software ? "subgroup" : "registers");
    const long = topkMerge.plan({ rows: 9, capacity: 4096, panel: 1024 }, facts);
    assert.equal(long.variant, "thread");
  });

  Deno.test(`emitPanel.plan() gives every row a thread, or a subgroup on hardware, on ${name}`, () => {
    for (const rows of [1, 4096, 1048576]) {
      const { lanes, grid: [x, y] } = emitPanel.plan({ rows }, facts);
      assert.equal(lanes, facts.software ? 1 : facts.subgroupSize || 1);
      assert.ok(x * y * 64 >= rows * lanes && x <= facts.maxGroups && y <= facts.maxGroups);
    }
  });

  Deno.test(`planCapacity() has room on ${name}`, () => {
    for (const rows of [1, 2048, 65536]) {
      for (const latents of [3072, 65536, 1048576]) {
        const { capacity, keep, slice } = planCapacity(rows, latents, facts);
        assert.ok(capacity * rows * 16 <= facts.maxBindingBytes && capacity * rows * 28 <= 2 ** 29);
        assert.ok(keep >= latents || keep + slice <= capacity && keep >= capacity / 2);
      }
    }
  });

  Deno.test(`planShards() fits 131072 latents of 4096 columns in bindings of ${name}`, () => {
    const shards = planShards(131072, 4096 * 4, facts.maxBindingBytes, ROW_UNIT);
    for (const { rows } of shards) {
      assert.ok(roundUp(rows, ROW_UNIT) * 4096 * 4 <= facts.maxBindingBytes);
    }
    // 2 GiB - 1 holds 131071 rows, one too few.
    assert.equal(shards.length, Math.ceil(2 ** 31 / facts.maxBindingBytes));
  });
}

Deno.test("a grid of more than 65535 groups is folded over y", () => {
  const folded = encodeGemm.plan(shapes[4], Object.fromEntries(devices).lavapipe);
  assert.ok(folded.grid[1] > 1);
  assert.deepEqual(gridFor(65535 * 64, 64), [65535, 1, 1]);
  assert.deepEqual(gridFor(65535 * 64 + 1, 64), [65535, 2, 1]);
  assert.deepEqual(gridFor(0, 64), [1, 1, 1]);
  assert.deepEqual(gridFor(10, 1, 4), [4, 3, 1]);
});

Deno.test("the columns of a thread cover every width without idle threads", () => {
  for (const software of [true, false]) {
    for (let d = 1; d <= 1200; d++) {
      const d4 = Math.ceil(d / 4);
      const plan = planColumns(d, { software });
      assert.ok(plan.columns * plan.threads >= d4);
      assert.ok(plan.columns * (plan.threads - 1) < d4, `a thread of d ${d} has nothing to do`);
      assert.equal(plan.near, software ? 1 : 0);
    }
  }
});
