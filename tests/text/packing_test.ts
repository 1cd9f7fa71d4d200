// Packing and masks: every token in its place, nothing lost but the tail, everything left out counted.
import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import { packContexts, type PackOptions, type TokenSet } from "../../lib/text/packing.ts";

const BOS = 1, EOS = 2;
/** One token a character, from its code. */
const letters = {
  path: "letters.json",
  encode: (text: string) => [...text].map((c) => c.charCodeAt(0)),
  bosId: BOS,
  eosId: EOS,
};
const pack = (
  texts: string[],
  options: Partial<PackOptions>,
  tokenizer: Partial<typeof letters> = letters,
) =>
  packContexts(texts.map((text, i) => ({ text, source: `${i}` })), { ...letters, ...tokenizer }, {
    contextSize: 4,
    prependBos: false,
    ...options,
  });
const show = (set: TokenSet) =>
  Array.from(
    { length: set.contexts },
    (_, c) =>
      [...set.ids.subarray(c * set.contextSize, (c + 1) * set.contextSize)]
        .map((id) => id === BOS ? "^" : id === EOS ? "|" : String.fromCharCode(id)).join(""),
  );

Deno.test("documents are joined with EOS and cut into contexts", async () => {
  const set = await pack(["abc", "defg", "hi"], {});
  assert.deepEqual(show(set), ["abc|", "defg"]);
  assert.deepEqual([...set.docOf], [0, 0, 0, 0, 1, 1, 1, 1]);
  // "|hi" does not fill a context.
  assert.equal(set.tailTokens, 3);
  assert.equal(set.documents, 3);
});

Deno.test("with BOS, every context starts with it and no text is lost to it", async () => {
  const set = await pack(["abc", "defg", "hi"], { prependBos: true });
  assert.deepEqual(show(set), ["^abc", "^|de", "^fg|"]);
  assert.deepEqual([...set.docOf], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  assert.equal(set.tailTokens, 3);
});

Deno.test("without an EOS token documents follow each other", async () => {
  const set = await packContexts([{ text: "ab", source: "" }, { text: "cd", source: "" }], {
    ...letters,
    eosId: undefined,
  }, { contextSize: 2, prependBos: false });
  assert.deepEqual(show(set), ["ab", "cd"]);
});

Deno.test("a limit stops before it is exceeded, and stops reading", async () => {
  let read = 0;
  function* endless() {
    while (true) {
      read++;
      yield { text: "abcdefgh", source: "" };
    }
  }
  const set = await packContexts(endless(), letters, {
    contextSize: 4,
    prependBos: true,
    maxTokens: 43,
  });
  assert.equal(set.contexts, 10);
  assert.equal(set.ids.length, 40);
  assert(read < 8, `${read} documents read`);
});

Deno.test("many tokens: the concatenation is exact", async () => {
  const random = new RandomStream(3, "pack");
  const texts = Array.from(
    { length: 300 },
    (_, i) =>
      Array.from(
        { length: random.below(900, i, 0) },
        (_, j) => String.fromCharCode(97 + random.below(26, i, j + 1)),
      ).join(""),
  );
  const set = await pack(texts, { contextSize: 7, prependBos: true });
  const stream = texts.join("|");
  assert.equal(show(set).map((c) => c.slice(1)).join(""), stream.slice(0, set.contexts * 6));
  assert(show(set).every((c) => c[0] === "^"));
  assert.equal(set.tailTokens, (stream.length % 6) + (stream.length % 6 > 0 ? 1 : 0));
});

Deno.test("text that cannot be packed is refused in one sentence", async () => {
  await assert.rejects(
    () => pack(["abc"], { contextSize: 8 }),
    /it has 3 tokens, one context needs 8/,
  );
  await assert.rejects(() => pack(["abcdef"], { maxTokens: 3 }), /at most 3 allowed, one context/);
  await assert.rejects(() => pack(["abc"], { contextSize: 1 }), /context size is 1, at least 2/);
  await assert.rejects(
    () => pack(["abcdef"], { prependBos: true }, { bosId: undefined }),
    /"letters\.json" has no BOS token/,
  );
});

Deno.test("masks: prefix sums and counts by reason agree with a count by hand", async () => {
  const set = await pack(["abca", "aba", "cabbage"], { prependBos: true });
  const kept = keptPositions(set, { excludeTokens: [EOS, 97, 5000, 97] });
  let rows = 0, first = 0, special = 0;
  for (let c = 0; c < set.contexts; c++) {
    assert.equal(kept.rowStart[c], rows);
    for (let p = 0; p < 4; p++) {
      const id = set.ids[4 * c + p];
      const keep = p > 0 && id !== EOS && id !== 97;
      assert.equal(kept.keeps(p, id), keep);
      if (keep) rows++;
      else if (p === 0) first++;
      else special++;
    }
  }
  assert(special > 0 && rows > 0);
  assert.equal(kept.rows, rows);
  assert.deepEqual(kept.counts, {
    positions: set.ids.length,
    kept: rows,
    droppedFirst: first,
    droppedTokens: special,
    droppedByToken: { "2": 2, "97": special - 2 },
  });
  assert.deepEqual(kept.droppedPositions, [0]);
  assert.deepEqual(kept.droppedTokens, [EOS, 97, 5000]);
  const all = keptPositions(set, { dropFirst: false });
  assert.equal(all.rows, set.ids.length);
  assert.deepEqual(all.droppedPositions, []);
});

Deno.test("a mask that leaves nothing is refused", async () => {
  const set = await pack(["aaaaaaaa"], {});
  assert.throws(() => keptPositions(set, { excludeTokens: [97] }), /all 8 positions are first/);
});
