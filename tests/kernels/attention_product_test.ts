import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import { attentionProduct, type HeadRows } from "../../lib/kernels/attention_product.ts";
import { patternFloats } from "../../lib/kernels/strip.ts";
import {
  attentionMix,
  attentionScores,
  attentionSpread,
} from "../../lib/reference/attention_product.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import type { Bench } from "./bench.ts";
import { assertCloseRows, checkKernel, type KernelCase, scaled, sumError } from "./check_kernel.ts";
import { asHardware, whole } from "./device.ts";
import { matrix, sizes } from "./samples.ts";
import {
  blocksOf,
  columns,
  keyRows,
  packPatterns,
  queryRows,
  randomPatterns,
  STRIPS,
  unpackPatterns,
} from "./strips.ts";

const HEAD = 12;

/** A matrix with the columns of one head beside those of the next. */
function byColumns(bench: Bench, label: string, m: Matrix): HeadRows {
  const sheet = bench.sheet(label, m);
  return { buffer: sheet.buffer, stride: m[0].length, head: HEAD };
}

/** Scores of queries and keys that lie head beside head, as q and k do. */
const scores: KernelCase[] = STRIPS.map(({ name, all, strip }, i) => ({
  name: `scores: ${name}`,
  build(bench) {
    const rows = all * strip.length;
    const q = matrix(rows, strip.heads * HEAD, { seed: i, wide: i === 1 });
    const k = matrix(rows, strip.heads * HEAD, { seed: 50 + i });
    const pattern = bench.output("pattern", patternFloats(strip));
    return {
      commands: attentionProduct.record(bench.gpu, {
        form: "scores",
        strip,
        pattern,
        side: byColumns(bench, "q", q),
        right: byColumns(bench, "k", k),
        width: HEAD,
      }),
      verify() {
        unpackPatterns(bench.floatsOf(pattern), strip).forEach((got, block) => {
          const { head, sequence } = blocksOf(strip)[block];
          const a = queryRows(columns(q, head, HEAD), strip, sequence);
          const b = keyRows(columns(k, head, HEAD), strip, sequence);
          const bounds = scaled(attentionScores(sizes(a), sizes(b)), sumError(HEAD));
          const seen = got.map((row, r) => row.map((v, c) => c <= strip.firstQuery + r ? v : 0));
          assertCloseRows(seen, attentionScores(a, b), bounds, `scores of block ${block}`);
        });
      },
    };
  },
}));

/** Values that all heads share, mixed into a block of rows a head, as m is made of x. */
const mixes: KernelCase[] = STRIPS.map(({ name, all, strip }, i) => ({
  name: `mix: ${name}`,
  build(bench) {
    const width = [4, 20, 64, 68, 8, 132][i];
    const rows = all * strip.length;
    const x = matrix(rows, width, { seed: 100 + i });
    const patterns = randomPatterns(strip, 200 + i);
    const side = bench.state("m", new Uint32Array(strip.heads * rows * width));
    return {
      commands: attentionProduct.record(bench.gpu, {
        form: "mix",
        strip,
        pattern: bench.floats("pattern", packPatterns(patterns, strip)),
        side: { buffer: side, stride: width, head: rows * width },
        right: { buffer: bench.sheet("x", x).buffer, stride: width },
        width,
      }),
      verify() {
        const floats = bench.floatsOf(side);
        let written = 0;
        patterns.forEach((pattern, block) => {
          const { head, sequence } = blocksOf(strip)[block];
          const first = (strip.firstSequence + sequence) * strip.length + strip.firstQuery;
          const got = pattern.map((_, q) => {
            const at = (head * rows + first + q) * width;
            return Float64Array.from(floats.subarray(at, at + width));
          });
          const values = keyRows(x, strip, sequence);
          const most = attentionMix(sizes(pattern), sizes(values));
          const bounds = scaled(most, sumError(values.length));
          assertCloseRows(got, attentionMix(pattern, values), bounds, `mix of block ${block}`);
          written += pattern.length * width;
        });
        const touched = floats.filter((v) => v !== 0).length;
        assert.equal(touched, written, "rows outside of the strip were written");
      },
    };
  },
}));

/** Gradients of keys, head beside head; sums of earlier strips stay in those of keys before the strip. */
const spreads: KernelCase[] = STRIPS.map(({ name, all, strip }, i) => ({
  name: `spread: ${name}`,
  build(bench) {
    const rows = all * strip.length;
    const q = matrix(rows, strip.heads * HEAD, { seed: 300 + i });
    const patterns = randomPatterns(strip, 400 + i);
    const before = matrix(rows, strip.heads * HEAD, { seed: 500 + i });
    const side = bench.stateRows("dk", before);
    return {
      commands: attentionProduct.record(bench.gpu, {
        form: "spread",
        strip,
        pattern: bench.floats("pattern", packPatterns(patterns, strip)),
        side: { buffer: side.shards[0].buffer, stride: side.stride, head: HEAD },
        right: byColumns(bench, "q", q),
        width: HEAD,
      }),
      verify() {
        const got = bench.matrixOf(side);
        patterns.forEach((pattern, block) => {
          const { head, sequence } = blocksOf(strip)[block];
          const values = queryRows(columns(q, head, HEAD), strip, sequence);
          const old = keyRows(columns(before, head, HEAD), strip, sequence);
          const add = (sums: Matrix, start: Matrix) =>
            sums.map((row, k) => row.map((v, c) => k < strip.firstQuery ? v + start[k][c] : v));
          const wanted = add(attentionSpread(pattern, values), old);
          const most = add(attentionSpread(sizes(pattern), sizes(values)), sizes(old));
          const mine = keyRows(columns(got, head, HEAD), strip, sequence);
          const bounds = scaled(most, sumError(strip.queries));
          assertCloseRows(mine, wanted, bounds, `spread of block ${block}`);
        });
      },
    };
  },
}));

function variantOn(gpu: Gpu): string {
  return attentionProduct.plan({ form: "mix", strip: STRIPS[2].strip, width: 8 }, gpu.facts)
    .variant;
}

Deno.test("attentionProduct makes scores, mixes and sums over queries, by the variant of the device", async () => {
  const { facts } = await whole();
  assert.equal(variantOn(await whole()), facts.software ? "texels" : "staged");
  // Sums are the same from textures and from buffers, which are taken where textures are too small.
  const small = async () => {
    const gpu = await whole();
    return { ...gpu, facts: { ...gpu.facts, maxTexels: 0 } };
  };
  await checkKernel([...scores, ...mixes, ...spreads], [whole, small]);
});

Deno.test("attentionProduct makes the same through workgroup memory", async () => {
  assert.equal(variantOn(await asHardware()), "staged");
  await checkKernel([...scores, ...mixes, ...spreads], [asHardware]);
});
