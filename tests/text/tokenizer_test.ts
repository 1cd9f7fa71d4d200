// Tokenizers: the cached path gives the ids of the library's own path; tokens are readable; bad files are named.
import assert from "assert";
import { Tokenizer } from "@huggingface/tokenizers";
import { SdmError } from "../../lib/base/errors.ts";
import { RandomStream } from "../../lib/base/random.ts";
import { openCorpus } from "../../lib/text/corpora.ts";
import { cachedEncoder, plainEncoder } from "../../lib/text/encoder.ts";
import { loadTokenizer } from "../../lib/text/tokenizer.ts";
import { alphabetOf, tokenText } from "../../lib/text/token_text.ts";

const DEMO = new URL("../../models/demo/", import.meta.url).pathname;
const demoJson = JSON.parse(await Deno.readTextFile(`${DEMO}tokenizer.json`));
const LLAMA_SPLIT = {
  type: "Sequence",
  pretokenizers: [
    {
      type: "Split",
      pattern: {
        Regex: "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s+",
      },
      behavior: "Isolated",
      invert: false,
    },
    { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
  ],
};

/** Texts with everything that a word pattern may trip over. */
function oddTexts(count: number): string[] {
  const random = new RandomStream(7, "odd");
  const parts = [
    "the",
    " whale",
    "'s",
    "''ve",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "é",
    "→",
    "🐳",
    "12",
    " 345",
    ".",
  ];
  parts.push(
    "...",
    "<|endoftext|>",
    "<|endof",
    "\u00a0",
    "\r\n",
    " \n ",
    "Ahab",
    "e\u0301",
    "\u0000",
    "中文",
  );
  return Array.from({ length: count }, (_, i) => {
    const length = 1 + random.below(30, i, 0);
    return Array.from({ length }, (_, j) => parts[random.below(parts.length, i, j + 1)]).join("");
  });
}

Deno.test("cached and plain path give the same ids for every kind of word splitting", () => {
  const kinds: Record<string, object> = {
    "byte-level alone": {},
    "byte-level with a prefix space": {
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true },
    },
    "split, then byte-level": { pre_tokenizer: LLAMA_SPLIT },
    "with a normalizer": { normalizer: { type: "NFC" } },
    "a lower-casing normalizer": { normalizer: { type: "Lowercase" } },
    "an added token that is found after normalizing": {
      normalizer: { type: "Lowercase" },
      added_tokens: [{ ...demoJson.added_tokens[0], id: 4096, content: "ahab", normalized: true }],
    },
    "no splitting": { pre_tokenizer: null },
  };
  for (const [kind, change] of Object.entries(kinds)) {
    const make = () => new Tokenizer({ ...structuredClone(demoJson), ...change }, {});
    const plain = plainEncoder(make());
    const cached = cachedEncoder(make());
    for (const text of ["", ...oddTexts(400)]) {
      assert.deepEqual(cached(text), plain(text), `${kind}: ${JSON.stringify(text)}`);
    }
  }
});

Deno.test("long texts, which are cut, give the ids of the whole", async () => {
  // Runs of white space are tokens of their own here, so that a cut within one would be seen.
  const json = structuredClone(demoJson);
  for (const [left, right] of [["Ċ", "Ċ"], ["Ġ", "Ċ"], ["Ċ", "Ġ"], ["Ċ", "ĉ"]]) {
    json.model.merges.push([left, right]);
    json.model.vocab[left + right] = Object.keys(json.model.vocab).length;
  }
  const plain = plainEncoder(new Tokenizer(structuredClone(json), {}));
  const cached = cachedEncoder(new Tokenizer(json, {}));
  assert.equal(plain("a\n\n").length, 2);
  let prose = "";
  for await (const document of openCorpus([`${DEMO}corpus/heldout.jsonl.gz`])) {
    // Sentences on lines of their own, with blank lines, trailing spaces and indents between some.
    prose += document.text.replaceAll(". ", ".\n").replaceAll("; ", ";\n\n").replaceAll(
      ", ",
      ",\n  ",
    );
    if (prose.length > 280_000) break;
  }
  assert(prose.length > 280_000);
  assert.deepEqual(cached(prose), plain(prose));
  // No place to cut; places of every kind; one good place far ahead of bad ones.
  const every = "whale \nship\n  sea\n\nsail\n\t\tport\n".repeat(8_000);
  const bad = "whale \nship\n\nsea\n  ".repeat(14_000);
  for (const text of ["x y".repeat(90_000), every, bad, `good\nplace${bad}`]) {
    assert.deepEqual(cached(text), plain(text));
  }
});

Deno.test("the demo tokenizer knows its special tokens and gives text back", async () => {
  const tokenizer = await loadTokenizer(`${DEMO}tokenizer.json`);
  assert.equal(tokenizer.vocabSize, 4096);
  assert.deepEqual(tokenizer.specialIds, [0]);
  assert.equal(tokenizer.bosId, 0);
  assert.equal(tokenizer.eosId, 0);
  assert.match(tokenizer.sha256, /^[0-9a-f]{64}$/);
  const text = "Call me Ishmael. Some years ago—never mind how long precisely";
  const ids = tokenizer.encode(text);
  assert(!ids.includes(0), "no special token is added");
  assert.equal(tokenizer.decode(ids), text);
  // "—" is three bytes and may be three tokens; every other token is its own text.
  const shown = ids.map((id) => tokenizer.tokenText(id)).join("");
  assert.equal(shown.replace(/\\xe2\\x80\\x94/g, "—"), text);
  assert.equal(tokenizer.tokenText(0), "<|endoftext|>");
  assert.equal(tokenizer.tokenText(999_999), "[999999]");
});

Deno.test("tokens are shown as text, stray bytes as numbers", () => {
  assert.equal(tokenText("Ġwhale", "bytes"), " whale");
  assert.equal(tokenText("Ċ", "bytes"), "\n");
  assert.equal(tokenText("Ã©", "bytes"), "é");
  assert.equal(tokenText("aÃ", "bytes"), "a\\xc3");
  assert.equal(tokenText("âĢĶx", "bytes"), "—x");
  assert.equal(tokenText("âĢ", "bytes"), "\\xe2\\x80");
  assert.equal(tokenText("\u2581the", "metaspace"), " the");
  assert.equal(tokenText("<0xE2>", "metaspace"), "\\xe2");
  assert.equal(tokenText("<0x0A>", "metaspace"), "\n");
  assert.equal(tokenText("##ing", "plain"), "##ing");
  assert.equal(alphabetOf(demoJson), "bytes");
  const llama = { type: "Replace", pattern: { String: "\u2581" }, content: " " };
  const decoder = { type: "Sequence", decoders: [llama, { type: "ByteFallback" }] };
  assert.equal(alphabetOf({ model: { vocab: {} }, decoder }), "metaspace");
  assert.equal(alphabetOf({ model: { vocab: {} }, decoder: { type: "WordPiece" } }), "plain");
});

Deno.test("BOS and EOS come from the files beside the tokenizer, else from its template", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const json = structuredClone(demoJson);
    json.added_tokens.push(
      ...["<s>", "</s>", "<pad>"].map((content, i) => ({
        ...json.added_tokens[0],
        id: 4096 + i,
        content,
      })),
    );
    json.post_processor = {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [],
      special_tokens: { "<s>": { id: "<s>", ids: [4096], tokens: ["<s>"] } },
    };
    const path = `${dir}/tokenizer.json`;
    await Deno.writeTextFile(path, JSON.stringify(json));
    const alone = await loadTokenizer(path);
    assert.deepEqual([alone.bosId, alone.eosId], [4096, 4097]);
    assert.deepEqual(alone.specialIds, [0, 4096, 4097, 4098]);
    assert(!alone.encode("the whale").includes(4096), "the template adds nothing here");
    await Deno.writeTextFile(`${dir}/config.json`, '{"bos_token_id":0,"eos_token_id":[4098,0]}');
    const withConfig = await loadTokenizer(path);
    assert.deepEqual([withConfig.bosId, withConfig.eosId], [0, 4098]);
    await Deno.writeTextFile(
      `${dir}/tokenizer_config.json`,
      '{"bos_token":{"content":"<s>"},"eos_token":"<|endoftext|>"}',
    );
    const withBoth = await loadTokenizer(path);
    assert.deepEqual([withBoth.bosId, withBoth.eosId], [4096, 0]);
    await Deno.writeTextFile(`${dir}/config.json`, "{");
    await assert.rejects(
      () => loadTokenizer(path),
      /config\.json" beside the tokenizer: it is not/,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a bad tokenizer.json is one sentence", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/tokenizer.json`;
    const refused = (message: RegExp) =>
      assert.rejects(() => loadTokenizer(path), (error: unknown) => {
        assert(error instanceof SdmError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    await refused(/Cannot read tokenizer ".*tokenizer\.json": it does not exist/);
    const whole = JSON.stringify(demoJson);
    await Deno.writeTextFile(path, whole.slice(0, whole.length / 2));
    await refused(/it is cut short or not JSON/);
    await Deno.writeTextFile(path, '{"model":{}}');
    await refused(/it has no vocabulary/);
    await Deno.writeTextFile(path, '{"model":{"type":"Novel","vocab":{},"merges":[]}}');
    await refused(/Cannot read tokenizer .*, a whole tokenizer\.json/);
    await Deno.writeTextFile(path, "");
    await refused(/it is cut short or not JSON/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
