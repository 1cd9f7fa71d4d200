import assert from "assert";
import { join } from "node:path";
import { RandomStream } from "../../lib/base/random.ts";
import { saveDictionary } from "../../lib/interop/save.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { sdm } from "./_sdm.ts";

const D = 192, F = 32, K = 3;

function randomDictionary(): DictionaryRecord {
  const stream = new RandomStream(1, "test");
  const wDec = Float32Array.from({ length: F * D }, (_, i) => stream.normal(0, i));
  for (let f = 0; f < F; f++) {
    const row = wDec.subarray(f * D, (f + 1) * D);
    const norm = Math.hypot(...row);
    row.forEach((value, i) => row[i] = value / norm);
  }
  return {
    kind: "sae",
    dIn: D,
    dOut: D,
    dSae: F,
    wEnc: wDec.slice(),
    bEnc: new Float32Array(F),
    wDec,
    bDec: new Float32Array(D),
    subtractBDec: true,
    gateByDecoderNorm: false,
    activation: { name: "topk", k: K },
  };
}

Deno.test("harvest fills a store, encode shows at most k latents a token", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const store = join(folder, "store");
    const harvest = ["harvest", "models/demo/demo.toml", "--max-tokens", "2000", "--out", store];
    const made = await sdm([...harvest, "--json"]);
    assert.equal(made.code, 0, made.err);
    const outcome = JSON.parse(made.out);
    const manifest = JSON.parse(await Deno.readTextFile(join(store, "manifest.json")));
    assert.equal(outcome.d, D);
    assert.equal(manifest.rows, outcome.rows);
    assert.ok(outcome.rows > 1500 && outcome.rows <= 2000 - 15);
    const again = await sdm(harvest);
    assert.equal(again.code, 2);
    assert.match(again.err, /it already holds an activation store/);

    const dictionary = join(folder, "dictionary");
    await saveDictionary(dictionary, randomDictionary(), {
      hookpoint: "blocks.2.hook_resid_post",
      contextSize: 8,
      prependBos: false,
    });
    const text = "The President of the United States went to sea and saw the whale.";
    const encode = ["encode", dictionary, "--onnx", "models/demo/model.onnx", "--json"];
    const encoded = await sdm([...encode, text]);
    assert.equal(encoded.code, 0, encoded.err);
    const tokens: {
      token: string;
      index: number;
      latents: { latent: number; value: number }[];
      untrained?: string;
    }[] = JSON.parse(encoded.out);
    assert.equal(tokens.map(({ token }) => token).join(""), text);
    tokens.forEach(({ latents, index, untrained }) => {
      assert.equal(untrained, index % 8 === 0 ? "first position" : undefined);
      assert.equal(latents.length > 0, index % 8 !== 0, "contexts have eight tokens here");
      assert.ok(latents.length <= K);
      latents.forEach(({ value }, i) => assert.ok(i === 0 || value <= latents[i - 1].value));
    });
    const piped = await sdm(encode, text);
    assert.equal(piped.out, encoded.out, "the standard input does as well");
    const narrow = await sdm([...encode, text, "--hookpoint", "blocks.2.mlp.hook_post"]);
    assert.equal(narrow.code, 2);
    assert.match(narrow.err, /its d_in is 192, activations at ".*hook_post" have width 768/);
    const bare = await sdm(["encode", dictionary, text]);
    assert.match(
      bare.err,
      /^Cannot find the language model of .*model.onnx is needed\nHint: --onnx/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("harvest reads several hookpoints in one pass, and training picks them by name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const store = join(folder, "store");
    const harvest = ["harvest", "models/demo/demo.toml", "--max-tokens", "2000", "--out", store];
    const names = ["blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out"];
    const flags = names.flatMap((name) => ["--hookpoint", name]);
    const made = await sdm([...harvest, ...flags]);
    assert.equal(made.code, 0, made.err);
    assert.match(
      made.out,
      /rows of blocks\.1\.mlp\.hook_in \(192\), blocks\.1\.hook_mlp_out \(192\)/,
    );
    const manifest = JSON.parse(await Deno.readTextFile(join(store, "manifest.json")));
    assert.deepEqual(manifest.points.map((point: { name: string }) => point.name), names);

    const train = ["train", "--activations", store, "--type", "transcoder", "--print-config"];
    const named = await sdm([...train, "--hookpoint", names[0], "--hookpoint-out", names[1]]);
    assert.equal(named.code, 0, named.err);
    assert.match(named.out, /hookpoint_out = "blocks\.1\.hook_mlp_out"/);
    const wrong = await sdm(["train", "--activations", store, ...flags]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /only a cross-layer transcoder reads several hookpoints/);

    const twice = await sdm([...harvest, "--overwrite", ...flags, "--hookpoint", names[0]]);
    assert.match(
      twice.err,
      /Cannot harvest "blocks\.1\.mlp\.hook_in" twice: different hookpoints/,
    );
    const help = await sdm(["train", "--help"]);
    for (
      const key of ["--sparsity-penalty", "--matryoshka-widths", "--optimizer", "--ste-to-input"]
    ) {
      assert.ok(help.out.includes(key), key);
    }
    assert.match(help.out, /--no-ste-to-input/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
