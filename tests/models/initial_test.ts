import assert from "assert";
import { initialTranscoder } from "../../lib/models/initial.ts";
import { skipTranscoder } from "../../lib/models/transcoder.ts";
import { modelOptions } from "../../lib/models/types.ts";

const D = 16, OUT = 10, LATENTS = 300;
const meanInput = Float32Array.from({ length: D }, (_, j) => j - 3.5);
const centre = Float32Array.from({ length: OUT }, (_, j) => 0.5 * j);
const facts = { bDec: [centre], meanInput: [meanInput], sample: meanInput, scales: [1, 1] };
const options = modelOptions({
  ...skipTranscoder.defaults,
  rows: 8,
  dIn: D,
  dOut: OUT,
  dSae: LATENTS,
  k: 4,
});

Deno.test("a transcoder starts as the mean of its targets, with scores that vanish at the mean input", () => {
  const values = skipTranscoder.initial(options, 3, facts);
  const get = (name: string) => values.get(name) as Float32Array;
  assert.deepEqual([...values.keys()].sort(), ["W_dec", "W_enc", "W_skip", "b_dec", "b_enc"]);
  assert.ok(get("W_dec").every((v) => v === 0) && get("W_dec").length === LATENTS * OUT);
  assert.ok(get("W_skip").every((v) => v === 0) && get("W_skip").length === OUT * D);
  assert.deepEqual(get("b_dec"), centre);
  assert.notEqual(get("b_dec"), centre, "a copy, which may be trained");
  const wEnc = get("W_enc");
  for (let f = 0; f < LATENTS; f++) {
    let score = get("b_enc")[f];
    for (let j = 0; j < D; j++) score += wEnc[f * D + j] * meanInput[j];
    assert.ok(Math.abs(score) < 1e-5, `latent ${f} has a score of ${score} at the mean`);
  }
});

Deno.test("encoder rows are uniform within one over the root of the width", () => {
  const wEnc = initialTranscoder(options, 3, facts).get("W_enc") as Float32Array;
  const bound = 1 / Math.sqrt(D);
  assert.ok(wEnc.every((v) => Math.abs(v) < bound));
  const mean = wEnc.reduce((s, v) => s + v, 0) / wEnc.length;
  const square = wEnc.reduce((s, v) => s + v * v, 0) / wEnc.length;
  // Standard errors of the mean and of the mean square of 4800 numbers.
  assert.ok(Math.abs(mean) < 4 * bound / Math.sqrt(3 * 4800), `${mean}`);
  assert.ok(
    Math.abs(square - bound ** 2 / 3) < 4 * 0.3 * bound ** 2 / Math.sqrt(4800),
    `${square}`,
  );
  assert.equal(new Set(wEnc).size > 4700, true);
});

Deno.test("first values depend on the seed alone", () => {
  const of = (seed: number) => initialTranscoder(options, seed, facts).get("W_enc");
  assert.deepEqual(of(3), of(3));
  assert.notDeepEqual(of(3), of(4));
});
