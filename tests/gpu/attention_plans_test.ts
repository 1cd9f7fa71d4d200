/** Plans of attention on devices that nobody here owns. */
import assert from "assert";
import { ATTENTION_BUDGET, planAttention } from "../../lib/blocks/encoders/attention_plan.ts";
import type { DeviceFacts } from "../../lib/gpu/facts.ts";
import { attentionProduct } from "../../lib/kernels/attention_product.ts";
import { paddedSize, patternFloats, type Strip } from "../../lib/kernels/strip.ts";

const devices: [string, DeviceFacts][] = ["h200", "intel", "lavapipe", "m4", "minimal", "rtx4090"]
  .map((name) => {
    const file = new URL(`../golden/devices/${name}.json`, import.meta.url);
    return [name, Object.freeze(JSON.parse(Deno.readTextFileSync(file)))];
  });

/** Batches: tiny, the demo's, Pythia's, Qwen3's, and one long sequence. */
const SHAPES = [
  { rows: 1, length: 1, heads: 1, stride: 4 },
  { rows: 2048, length: 128, heads: 6, stride: 192 },
  { rows: 32768, length: 1024, heads: 48, stride: 768 },
  { rows: 32768, length: 2048, heads: 16, stride: 2048 },
  { rows: 32768, length: 32768, heads: 2, stride: 64 },
  { rows: 1000, length: 100, heads: 7, stride: 12 },
];

/** Every query of every sequence once a head, in order. */
function assertCovers(
  { rows, length, heads }: typeof SHAPES[number],
  chunks: readonly { firstHead: number; heads: number; strips: readonly Strip[] }[],
): void {
  let head = 0;
  for (const chunk of chunks) {
    assert.equal(chunk.firstHead, head);
    head += chunk.heads;
    let queries = 0;
    for (const strip of chunk.strips) {
      assert.equal(strip.heads, chunk.heads);
      assert.equal(strip.firstSequence * length + strip.firstQuery, queries);
      assert.equal(strip.firstQuery % 64, 0);
      assert.ok(strip.sequences === 1 || strip.queries === length);
      queries += strip.sequences * strip.queries;
    }
    assert.equal(queries, rows);
  }
  assert.equal(head, heads);
}

for (const [name, facts] of devices) {
  Deno.test(`planAttention() covers every query and fits on ${name}`, () => {
    for (const shape of SHAPES) {
      // What the spec's largest example needs a head does not fit every device, and is refused elsewhere.
      if (shape.rows * shape.stride * 4 > facts.maxBindingBytes) continue;
      const { maxBindingBytes } = facts;
      const plan = planAttention({ ...shape, budgetBytes: ATTENTION_BUDGET, maxBindingBytes });
      assertCovers(shape, plan.chunks);
      const strips = plan.chunks.flatMap((c) => c.strips);
      assert.equal(plan.patternFloats, Math.max(...strips.map(patternFloats)));
      assert.ok(plan.patternFloats * 4 <= maxBindingBytes);
      assert.ok(plan.heads * plan.blockRows * shape.stride * 4 <= maxBindingBytes);
      assert.equal(plan.kept, plan.chunks.length === 1 && plan.chunks[0].strips.length === 1);
      const mixed = plan.heads * plan.blockRows * shape.stride;
      const bytes = 2 * 4 * (plan.patternFloats + mixed);
      const least = 2 * 4 * plan.blockRows * shape.stride;
      assert.ok(bytes <= ATTENTION_BUDGET + least, `${bytes} bytes for ${JSON.stringify(shape)}`);
    }
  });

  Deno.test(`attentionProduct.plan() covers every tile on ${name}`, () => {
    const base = { length: 150, firstSequence: 0 };
    const all: Strip[] = [
      { ...base, heads: 3, sequences: 4, firstQuery: 0, queries: 150 },
      { ...base, heads: 1, sequences: 1, firstQuery: 64, queries: 86 },
    ];
    for (const strip of all) {
      for (const form of ["scores", "mix", "spread"] as const) {
        for (const width of [4, 64, 100, 2304]) {
          const plan = attentionProduct.plan({ form, strip, width }, facts);
          assert.equal(plan.variant, facts.software ? "texels" : "staged");
          const { queries, keys } = paddedSize(strip);
          const rows = (form === "spread" ? keys : queries) / plan.tile.rows;
          const cols = Math.ceil((form === "scores" ? keys : width) / plan.tile.cols);
          const tiles = strip.heads * strip.sequences * rows * cols;
          assert.ok(Number.isInteger(tiles));
          const [x, y, z] = plan.grid;
          const groups = plan.variant === "staged" ? tiles : Math.ceil(tiles / 64);
          assert.ok(x * y >= groups && x <= facts.maxGroups && y <= facts.maxGroups && z === 1);
        }
      }
    }
  });
}

Deno.test("the heads of the demo are worked on together, those of Pythia in turn", () => {
  const facts = Object.fromEntries(devices);
  const plan = (i: number, name: string) =>
    planAttention({
      ...SHAPES[i],
      budgetBytes: ATTENTION_BUDGET,
      maxBindingBytes: facts[name].maxBindingBytes,
    });
  assert.ok(plan(1, "lavapipe").kept && plan(1, "h200").kept);
  // 128 MiB of patterns a head of 32 sequences do not fit beside 96 MiB of mixed inputs.
  const pythia = plan(2, "h200");
  assert.deepEqual([pythia.chunks.length, pythia.heads, pythia.kept], [48, 1, false]);
  assert.equal(pythia.chunks[0].strips.length, 2);
});
