import assert from "assert";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { orderByImportance, reorderLatents } from "../../lib/models/reorder.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { vector } from "../kernels/samples.ts";

const D = 4, LATENTS = 9;
const numbers = (count: number, seed: number) => Float32Array.from(vector(count, { seed }));

function record(more: Partial<DictionaryRecord> = {}): DictionaryRecord {
  return {
    kind: "sae",
    dIn: D,
    dOut: D,
    dSae: LATENTS,
    wEnc: numbers(LATENTS * D, 1),
    bEnc: numbers(LATENTS, 2),
    wDec: numbers(LATENTS * D, 3),
    bDec: numbers(D, 4),
    subtractBDec: true,
    gateByDecoderNorm: false,
    activation: { name: "topk", k: 3 },
    ...more,
  };
}

const ORDER = [4, 0, 8, 2, 1, 7, 3, 6, 5];
const x = numbers(20 * D, 5);

/** Latents and reconstructions stay, except that each latent has its new number. */
function sameMeaning(before: DictionaryRecord, order: readonly number[]): DictionaryRecord {
  const after = reorderLatents(before, order);
  const [wanted, found] = [before, after].map((r) => forwardRecord(r, x));
  found.reconstruction.forEach((v, i) => assert.ok(Math.abs(v - wanted.reconstruction[i]) < 1e-12));
  for (let r = 0; r < 20; r++) {
    order.forEach((old, f) =>
      assert.equal(found.latents[r * LATENTS + f], wanted.latents[r * LATENTS + old])
    );
  }
  assert.ok(wanted.latents.some((v) => v > 0));
  return after;
}

Deno.test("a dictionary with reordered latents means the same, whatever its gate", () => {
  sameMeaning(record(), ORDER);
  sameMeaning(record({ activation: { name: "relu" } }), ORDER);
  sameMeaning(record({ activation: { name: "batchtopk", k: 2, threshold: 0.8 } }), ORDER);
  const threshold = numbers(LATENTS, 6).map(Math.abs);
  const activation = { name: "jumprelu" as const, threshold };
  sameMeaning(record({ activation, gateByDecoderNorm: true }), ORDER);
  assert.deepEqual(record().wEnc, numbers(LATENTS * D, 1), "the record itself is left alone");
});

Deno.test("latents on grids of sub-keys keep their places", () => {
  const [keys, keyBias] = [new Float32Array(0), new Float32Array(0)];
  const activation = { name: "product_keys", k: 2, heads: 2, m1: 2, m2: 3, keys, keyBias } as const;
  const order = Array.from({ length: record({}).dSae }, (_, f) => f);
  assert.throws(() => reorderLatents(record({ activation }), order), /grids of sub-keys/);
});

Deno.test("groups of a groupmax gate keep their latents", () => {
  const grouped = record({ activation: { name: "groupmax", k: 3 } });
  sameMeaning(grouped, [2, 0, 1, 3, 5, 4, 8, 7, 6]);
  assert.throws(() => reorderLatents(grouped, ORDER), /out of group 0/);
});

Deno.test("prefixes stay where each has the latents that it had", () => {
  const nested = record({ prefixes: [3, 9] });
  assert.deepEqual(reorderLatents(nested, [1, 2, 0, 8, 7, 6, 5, 4, 3]).prefixes, [3, 9]);
  assert.equal(reorderLatents(nested, ORDER).prefixes, undefined);
});

Deno.test("an order that is no permutation is refused", () => {
  const refused = (order: number[], what: RegExp) =>
    assert.throws(() => reorderLatents(record(), order), what);
  refused([0, 1], /the order has 2 numbers and lacks latent 2/);
  refused([0, 1, 2, 3, 4, 5, 6, 7, 7], /lacks latent 8/);
  refused([...ORDER, 0], /has 10 numbers, each of 9 latents/);
  refused([0, 1, 2, 3, 4, 5, 6, 7, 99], /lacks latent 8/);
});

Deno.test("the most important latents come first, equal ones in their own order", () => {
  assert.deepEqual([...orderByImportance([1, 5, 0, 5, 2])], [1, 3, 4, 0, 2]);
  // A prefix of the reordered dictionary is the dictionary of the most important latents.
  const importance = numbers(LATENTS, 7);
  const sorted = reorderLatents(record(), orderByImportance(importance));
  const best = importance.indexOf(Math.max(...importance));
  assert.deepEqual(sorted.wDec.subarray(0, D), record().wDec.subarray(best * D, (best + 1) * D));
});
