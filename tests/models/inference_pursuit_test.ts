import assert from "assert";
import { loadDictionary } from "../../lib/models/inference.ts";
import { loadPursuit } from "../../lib/models/inference_pursuit.ts";
import type { Activation, DictionaryRecord } from "../../lib/models/record.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { randomRecord, randomRows } from "../interop/fixtures.ts";
import { whole } from "../kernels/device.ts";

const D = 12, F = 90, ROWS = 50;
const STATIC = {
  name: "matching_pursuit",
  iterations: 5,
  residualThreshold: 0,
  stopOnDuplicateSupport: false,
  relu: true,
} as const;

const ACTIVATIONS: [string, Activation][] = [
  ["static", STATIC],
  ["by length", { ...STATIC, iterations: 20, residualThreshold: 0.8 }],
  ["by repeated latents", { ...STATIC, iterations: 20, stopOnDuplicateSupport: true }],
  ["with picks of either sign", { ...STATIC, iterations: 1, relu: false }],
];

async function compare(record: DictionaryRecord): Promise<Set<number>> {
  // Two calls, the second of fewer rows: nothing of the first may show.
  const dictionary = loadDictionary(await whole(), record, 32);
  const x = randomRows(ROWS, D);
  const wanted = forwardRecord(record, x);
  const counts = new Set<number>();
  for (let first = 0; first < ROWS; first += 32) {
    const part = x.subarray(first * D, Math.min(ROWS, first + 32) * D);
    const code = await dictionary.run([part], true);
    for (let r = 0; r < code.rows; r++) {
      const dense = new Float64Array(F);
      counts.add(code.rowStart[r + 1] - code.rowStart[r]);
      for (let e = code.rowStart[r]; e < code.rowStart[r + 1]; e++) {
        dense[code.latent[e]] = code.value[e];
      }
      const row = wanted.latents.subarray((first + r) * F, (first + r + 1) * F);
      dense.forEach((v, f) => assert.ok(Math.abs(v - row[f]) < 2e-5, `row ${first + r}: ${v}`));
    }
    code.recon![0].forEach((v, i) =>
      assert.ok(Math.abs(v - wanted.reconstruction[first * D + i]) < 2e-5)
    );
  }
  return counts;
}

for (const [name, activation] of ACTIVATIONS) {
  Deno.test(`a trained pursuit runs as the reference does, ${name}`, async () => {
    const record = randomRecord(D, F, activation);
    const counts = await compare(record);
    const dynamic = /by/.test(name);
    assert.ok(dynamic ? counts.size > 2 : counts.size <= 5, `${[...counts]} active latents`);
    await compare({ ...record, subtractBDec: false });
  });
}

Deno.test("loadPursuit() refuses dictionaries of another kind", async () => {
  const gpu = await whole();
  assert.throws(() => loadPursuit(gpu, randomRecord(4, 6, { name: "relu" }), 8), {
    name: "SdmError",
    message: 'Cannot pursue with this dictionary: its activation is "relu", ' +
      '"matching_pursuit" is needed',
  });
});
