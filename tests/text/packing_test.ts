// Packing and masks: every token in its place, nothing lost but the tail, everything left out counted.
import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import { packContexts, type PackOptions, type TokenSet } from "../../lib/text/packing.ts";
import type { ByteLog } from "../../lib/text/token_log.ts";

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
      [...set.idsOf(c)]
        .map((id) => id === BOS ? "^" : id === EOS ? "|" : String.fromCharCode(id)).join(""),
  );

Deno.test("documents are joined with EOS and cut into contexts", async () => {
  const set = await pack(["abc", "defg", "hi"], {});
  assert.deepEqual(show(set), ["abc|", "defg"]);
  assert.deepEqual([...set.docsOf(0, set.contexts)], [0, 0, 0, 0, 1, 1, 1, 1]);
  // "|hi" does not fill a context.
  assert.equal(set.tailTokens, 3);
  assert.equal(set.documents, 3);
});

Deno.test("with BOS, every context starts with it and no text is lost to it", async () => {
  const set = await pack(["abc", "defg", "hi"], { prependBos: true });
  assert.deepEqual(show(set), ["^abc", "^|de", "^fg|"]);
  assert.deepEqual([...set.docsOf(0, set.contexts)], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  assert.equal(set.tailTokens, 3);
});

Deno.test("without an EOS token documents follow each other", async () => {
  const set = await packContexts([{ text: "ab", source: "" }, { text: "cd", source: "" }], {
    ...letters,
    eosId: undefined,
  }, { contextSize: 2, prependBos: false });
  assert.deepEqual(show(set), ["ab", "cd"]);
});

Deno.test("a stop and a text that cannot be read free the temporary file", async () => {
  const control = new AbortController();
  function* documents(fails: boolean) {
    yield { text: "a".repeat(200_000), source: "" };
    if (fails) throw new Error("damaged");
    control.abort();
    yield { text: "b", source: "" };
  }
  for (const fails of [true, false]) {
    let open = 0;
    const spill = (): ByteLog => {
      open++;
      return { append() {}, read() {}, close: () => open-- };
    };
    const options = { contextSize: 4, prependBos: false, memoryTokens: 1, spill };
    const packed = packContexts(documents(fails), letters, { ...options, signal: control.signal });
    await assert.rejects(packed, fails ? /damaged/ : { exitCode: 130 });
    assert.equal(open, 0);
  }
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
  assert.equal(set.idsOf(0, set.contexts).length, 40);
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
      const id = set.idsOf(c)[p];
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
    positions: 4 * set.contexts,
    kept: rows,
    droppedFirst: first,
    droppedTokens: special,
    droppedByToken: { "2": 2, "97": special - 2 },
  });
  assert.deepEqual(kept.droppedPositions, [0]);
  assert.deepEqual(kept.droppedTokens, [EOS, 97, 5000]);
  const all = keptPositions(set, { dropFirst: false });
  assert.equal(all.rows, 4 * set.contexts);
  assert.deepEqual(all.droppedPositions, []);
});

Deno.test("a mask that leaves nothing is refused", async () => {
  const set = await pack(["aaaaaaaa"], {});
  assert.throws(() => keptPositions(set, { excludeTokens: [97] }), /all 8 positions are first/);
});

/** Bytes that a test can look at. */
function memoryLog(logs: { bytes: number[]; open: boolean }[]): ByteLog {
  const log = { bytes: [] as number[], open: true };
  logs.push(log);
  return {
    append: (bytes) => bytes.forEach((byte) => log.bytes.push(byte)),
    read(offset, into) {
      assert(log.open && offset + into.length <= log.bytes.length);
      into.set(log.bytes.slice(offset, offset + into.length));
    },
    close: () => log.open = false,
  };
}

/** Documents of many lengths; every 50th is empty. Ids above 65535 come late, if at all. */
function manyTexts(tokens: number, largest: number) {
  const random = new RandomStream(5, "spill");
  const texts: string[] = [];
  for (let i = 0, n = 0; n < tokens; i++) {
    const length = i % 50 === 0 ? 0 : 1 + random.below(5000, 0, i);
    texts.push(`${i}:${length}`);
    n += length;
  }
  const encode = (text: string) => {
    const [i, length] = text.split(":").map(Number);
    const from = i > texts.length / 2 ? largest - 300 : 10;
    return Array.from({ length }, (_, j) => from + random.below(300, i + 1, j));
  };
  return { texts, encode };
}

Deno.test("ids in a temporary file are those in memory: same contexts, documents and rows", async () => {
  const seen: Record<string, string> = {};
  for (const [largest, widths] of [[400, [2]], [70_000, [2, 4]]] as const) {
    const { texts, encode } = manyTexts(300_000, largest);
    const options = { contextSize: 100, prependBos: true };
    const tokenizer = { ...letters, encode };
    for (const eosId of [EOS, undefined]) {
      const inMemory = await pack(texts, options, { ...tokenizer, eosId });
      const logs: { bytes: number[]; open: boolean }[] = [];
      const spilled = await pack(texts, {
        ...options,
        memoryTokens: 1,
        spill: () => memoryLog(logs),
      }, { ...tokenizer, eosId });
      assert.equal(logs.length, widths.length, "the file is written anew for wide ids");
      assert(logs.at(-1)!.bytes.length > 200_000 * widths.at(-1)!, "most ids are in the file");
      const { contexts } = inMemory;
      assert.equal(spilled.contexts, contexts);
      assert.deepEqual(spilled.idsOf(0, contexts), inMemory.idsOf(0, contexts));
      assert.deepEqual(spilled.docsOf(0, contexts), inMemory.docsOf(0, contexts));
      // In any order, over the border of file and memory, and through a slice.
      const border = Math.floor(logs.at(-1)!.bytes.length / widths.at(-1)! / 100);
      for (const context of [contexts - 1, border, border - 1, border + 1, 0, 17]) {
        assert.deepEqual(spilled.idsOf(context), inMemory.idsOf(context), `context ${context}`);
        assert.deepEqual(spilled.docsOf(context), inMemory.docsOf(context), `context ${context}`);
      }
      assert.deepEqual(
        spilled.slice(border - 3, contexts).idsOf(2, 4),
        inMemory.idsOf(border - 1, 4),
      );
      const mask = { excludeTokens: [EOS, 12] };
      assert.deepEqual(
        keptPositions(spilled, mask).rowStart,
        keptPositions(inMemory, mask).rowStart,
      );
      assert.throws(() => spilled.idsOf(contexts), RangeError);
      assert.throws(() => spilled.slice(0, 10).idsOf(9, 2), RangeError);
      // The numbers of documents count those without text too.
      seen[`${eosId}`] = spilled.docsOf(contexts - 1).at(-1)!.toString();
      spilled.close();
      assert(logs.every(({ open }) => !open));
    }
  }
  assert(Number(seen.undefined) > 100);
});
