import assert from "assert";
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { RandomStream } from "../../lib/base/random.ts";
import { SdmError } from "../../lib/base/errors.ts";
import type { AttentionSource } from "../../lib/models/attention_source.ts";
import {
  fromAttention,
  inActiveSubspace,
  lorsaInitial,
  type LorsaSizes,
} from "../../lib/models/lorsa_init.ts";
import { attentionWeights } from "../../lib/onnx/attention_weights.ts";
import { loadModel } from "../../lib/onnx/graph.ts";
import { resolveHookpoint } from "../../lib/onnx/hookpoints.ts";

const SIZES: LorsaSizes = { heads: 8, width: 4, dIn: 12, dOut: 10, dSae: 32, norms: true };

function normals(count: number, seed: number): Float32Array {
  const out = new Float32Array(count);
  new RandomStream(seed, "lorsa init test").fillNormal(0, out);
  return out;
}

/** Four heads of queries on two of keys and values, all numbers different. */
const SOURCE: AttentionSource = {
  heads: 4,
  keyHeads: 2,
  width: 4,
  dIn: 12,
  dOut: 10,
  q: normals(4 * 4 * 12, 1),
  k: normals(2 * 4 * 12, 2),
  v: normals(2 * 4 * 12, 3),
  o: normals(4 * 4 * 10, 4),
  bQ: normals(16, 5),
  bK: normals(8, 6),
  gainQ: normals(4, 7),
  gainK: normals(4, 8),
};

const variance = (v: Float32Array) => v.reduce((sum, x) => sum + x * x, 0) / v.length;

Deno.test("lorsaInitial() has the bounds and variances of the spec and depends on the seed only", () => {
  const sizes: LorsaSizes = { heads: 6, width: 16, dIn: 48, dOut: 40, dSae: 384, norms: false };
  const values = lorsaInitial(sizes, 3);
  assert.deepEqual([...values.keys()], ["W_Q", "b_Q", "W_K", "b_K", "W_V", "b_V", "W_dec"]);
  const bound = Math.sqrt(6 / (16 * 54));
  for (const name of ["W_Q", "W_K"]) {
    const w = values.get(name)!;
    assert.equal(w.length, 6 * 16 * 48);
    const largest = Math.max(...w.map(Math.abs));
    assert.ok(largest <= bound && largest > 0.99 * bound, name);
    assert.ok(Math.abs(variance(w) / (bound ** 2 / 3) - 1) < 0.05, name);
  }
  assert.ok(Math.abs(variance(values.get("W_V")!) * 384 - 1) < 0.05);
  assert.ok(Math.abs(variance(values.get("W_dec")!) * 40 - 1) < 0.05);
  assert.ok(["b_Q", "b_K", "b_V"].every((name) => values.get(name)!.every((v) => v === 0)));
  assert.deepEqual(lorsaInitial(sizes, 3), values);
  assert.notDeepEqual(lorsaInitial(sizes, 4).get("W_Q"), values.get("W_Q"));
  assert.notDeepEqual(values.get("W_K"), values.get("W_Q"));
  const gains = lorsaInitial({ ...sizes, norms: true }, 3);
  assert.deepEqual(gains.get("ln_k"), new Float32Array(96).fill(1));
});

Deno.test("fromAttention() repeats heads, expands keys, divides weights by the scale and copies biases", () => {
  const values = fromAttention(lorsaInitial(SIZES, 1), SOURCE, SIZES, 2);
  const head = (name: string, h: number, each: number) =>
    values.get(name)!.subarray(h * each, (h + 1) * each);
  for (let h = 0; h < 8; h++) {
    const own = Math.floor(h / 2), key = Math.floor(h / 4);
    const part = (from: Float32Array, i: number, each: number) =>
      from.subarray(i * each, (i + 1) * each);
    assert.deepEqual(head("W_Q", h, 48), part(SOURCE.q, own, 48).map((v) => v / 2));
    assert.deepEqual(head("W_K", h, 48), part(SOURCE.k, key, 48).map((v) => v / 2));
    // Biases of queries and keys belong to the model too: without them GPT-2's attention is another one.
    assert.deepEqual(head("b_Q", h, 4), part(SOURCE.bQ, own, 4));
    assert.deepEqual(head("b_K", h, 4), part(SOURCE.bK, key, 4));
    assert.deepEqual(head("ln_q", h, 4), SOURCE.gainQ);
    assert.deepEqual(head("ln_k", h, 4), SOURCE.gainK);
  }
  assert.deepEqual(values.get("W_V"), lorsaInitial(SIZES, 1).get("W_V"));
});

/** Largest part of unit rows outside of the span of some directions [d, r]. */
function outside(rows: Float32Array, d: number, directions: Matrix): number {
  let worst = 0;
  for (let at = 0; at < rows.length; at += d) {
    const row = Matrix.rowVector(Array.from(rows.subarray(at, at + d)));
    const inside = row.mmul(directions);
    worst = Math.max(worst, Math.abs(row.dot(row) - inside.dot(inside)));
  }
  return worst;
}

Deno.test("inActiveSubspace() puts values in the leading singular directions of each head", () => {
  // Two of the four numbers of a head, so that the subspace is a true part of what the head reads.
  const sizes = { ...SIZES, width: 2 };
  const scale = normals(12, 20);
  const sample = normals(500 * 12, 21).map((v, i) =>
    v * Math.exp(2 * scale[i % 12]) + scale[i % 12]
  );
  const values = inActiveSubspace(lorsaInitial(sizes, 9), SOURCE, sizes, sample);
  const wV = values.get("W_V")!, wO = values.get("W_dec")!;
  const x = Matrix.from1DArray(500, 12, Array.from(sample));
  for (let p = 0; p < 4; p++) {
    const key = Math.floor(p / 2);
    const v = Matrix.from1DArray(4, 12, Array.from(SOURCE.v.subarray(key * 48, (key + 1) * 48)));
    const captured = x.mmul(v.transpose()).mmul(v).center("column");
    const { leftSingularVectors } = new SingularValueDecomposition(captured.transpose(), {
      autoTranspose: true,
    });
    const mine = wV.subarray(p * 8 * 12, (p + 1) * 8 * 12);
    assert.ok(outside(mine, 12, leftSingularVectors.subMatrix(0, 11, 0, 1)) < 1e-5, `head ${p}`);
    assert.ok(outside(mine, 12, leftSingularVectors.subMatrix(0, 11, 2, 3)) > 0.5, `head ${p}`);
    const o = Matrix.from1DArray(4, 10, Array.from(SOURCE.o.subarray(p * 40, (p + 1) * 40)));
    const written = Matrix.from1DArray(8, 12, Array.from(mine)).mmul(v.transpose()).mmul(o);
    for (let i = 0; i < 8; i++) {
      const row = written.getRowVector(i);
      const wanted = row.div(row.norm()).to1DArray();
      const got = wO.subarray((p * 8 + i) * 10, (p * 8 + i + 1) * 10);
      wanted.forEach((w, j) => assert.ok(Math.abs(w - got[j]) < 1e-5, `W_O of head ${p}`));
    }
  }
});

Deno.test("starts from a model's attention are refused where heads do not fit", () => {
  const attempt = (change: Partial<LorsaSizes>, what: RegExp) => {
    const sizes = { ...SIZES, ...change };
    assert.throws(
      () => {
        const values = fromAttention(lorsaInitial(sizes, 1), SOURCE, sizes, 1);
        inActiveSubspace(values, SOURCE, sizes, normals(24 * sizes.dIn, 1));
      },
      (error) => error instanceof SdmError && what.test(error.message) && !!error.hint,
    );
  };
  attempt({ heads: 6 }, /n_qk_heads is 6, a multiple of the model's 4 is needed/);
  attempt({ width: 8 }, /d_qk_head is 8, the model's 4 is needed/);
  attempt({ dIn: 16 }, /rows have 16 numbers, the attention's input of 12/);
  attempt({ norms: false }, /use_post_qk_ln is needed/);
  attempt({ dSae: 30 }, /d_sae is 30, a multiple of the model's 4 heads/);
  attempt({ dOut: 12 }, /12 and 12 numbers, those of its attention, 12 and 10, are needed/);
});

Deno.test("the bundled model's attention is a start", async () => {
  const path = decodeURIComponent(
    new URL("../../models/demo/model.onnx", import.meta.url).pathname,
  );
  const model = await loadModel(path);
  const source = attentionWeights(model, resolveHookpoint(model, "blocks.1.hook_attn_out"));
  const sizes = { heads: 12, width: 32, dIn: 192, dOut: 192, dSae: 768, norms: false };
  const values = inActiveSubspace(
    fromAttention(lorsaInitial(sizes, 2), source, sizes, 1.5),
    source,
    sizes,
    normals(256 * 192, 30),
  );
  assert.ok([...values.values()].every((v) => v.every(Number.isFinite)));
  const row = values.get("W_dec")!.subarray(5 * 192, 6 * 192);
  assert.ok(Math.abs(row.reduce((sum, v) => sum + v * v, 0) - 1) < 1e-5);
});
