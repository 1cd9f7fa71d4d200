import assert from "assert";
import { silent } from "../../lib/base/progress.ts";
import type { TextInputs } from "../../lib/data/text_inputs.ts";
import { evaluateDictionary, readHeldOut } from "../../lib/evals/evaluate.ts";
import { openGpu } from "../../lib/gpu/device.ts";
import { randomDirections } from "../../lib/models/initial.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import type { StartFacts } from "../../lib/models/types.ts";
import { allRows, fakeMaker, POINTS } from "../data/_fakes.ts";

const [POINT] = POINTS;
const D = POINT.d;

/** What evaluation reads of opened text: some thousand rows of a fake model. */
async function heldOut(): Promise<TextInputs> {
  const maker = await fakeMaker(3000, 16, [POINT]);
  return { ...maker, points: [POINT] } as unknown as TextInputs;
}

/** Latents ±x_j: with k = d the very input comes out. */
function identityRecord(k = D): DictionaryRecord {
  const wEnc = new Float32Array(2 * D * D);
  for (let j = 0; j < D; j++) {
    wEnc[j * D + j] = 1;
    wEnc[(D + j) * D + j] = -1;
  }
  return {
    kind: "sae",
    dIn: D,
    dOut: D,
    dSae: 2 * D,
    wEnc,
    bEnc: new Float32Array(2 * D),
    wDec: wEnc.slice(),
    bDec: new Float32Array(D),
    subtractBDec: true,
    gateByDecoderNorm: false,
    activation: { name: "topk", k },
  };
}

/** The same shape with random weights. */
function untrained({ bDec }: StartFacts): DictionaryRecord {
  const wDec = randomDirections(2 * D, D, 1, 3);
  return { ...identityRecord(), wEnc: wDec, wDec, bDec: bDec[0] };
}

const OPTIONS = { maxRows: 2500, untrained, onProgress: silent };

Deno.test("readHeldOut() gives the rows in text order with their places, up to the wanted number", async () => {
  const inputs = await heldOut();
  const maker = await fakeMaker(3000, 16, [POINT]);
  const wanted = allRows(maker, POINT);
  const done: number[] = [];
  const data = await readHeldOut(inputs, {
    ...OPTIONS,
    maxRows: 1000,
    onProgress: ({ done: n, total }) => (assert.equal(total, 1000), done.push(n)),
  });
  assert.equal(data.rows, 1000);
  assert.deepEqual(done.at(-1), 1000);
  for (const r of [0, 1, 17, 500, 999]) {
    assert.deepEqual([...data.points[0].x.subarray(r * D, (r + 1) * D)], wanted[r]);
    const id = inputs.tokens.idsOf(data.context[r])[data.position[r]];
    assert.equal(data.points[0].x[r * D + 1], id, "its place is that of its token");
  }
  const all = await readHeldOut(inputs, { ...OPTIONS, maxRows: 1e6 });
  assert.equal(all.rows, wanted.length);
  await assert.rejects(
    readHeldOut(inputs, { ...OPTIONS, signal: AbortSignal.abort() }),
    { exitCode: 130 },
  );
});

Deno.test("an identity dictionary explains everything, its contenders are measured on the same rows", async () => {
  const gpu = await openGpu();
  try {
    const inputs = await heldOut();
    const { contenders, data, pass } = await evaluateDictionary(
      gpu,
      identityRecord(),
      inputs,
      OPTIONS,
    );
    const [trained, pca, first] = contenders.map(({ name, figures }) => ({
      name,
      ...Object.fromEntries(figures.map((f) => [f.name, f.value as number])),
    })) as (Record<string, number> & { name: string })[];
    assert.deepEqual([trained.name, pca.name, first.name], [
      "trained",
      `PCA, k = ${D}`,
      "untrained",
    ]);
    assert.ok(trained["recon/fvu"] < 1e-10, `FVU ${trained["recon/fvu"]}`);
    assert.ok(pca["recon/fvu"] < 1e-6, "all components: as the identity");
    const nonZero = data.points[0].x.filter((v) => v !== 0).length / data.rows;
    assert.ok(Math.abs(trained["sparsity/l0"] - nonZero) < 1e-9);
    assert.ok(first["recon/fvu"] > 0.01 && first["sparsity/l0"] <= D);
    assert.equal(data.rows, 2500);
    assert.equal(pass.codes.reduce((rows, code) => rows + code.rows, 0), 2500);
    assert.equal(pass.l0Counts.reduce((a, b) => a + b, 0), 2500);
    assert.ok(contenders.every(({ what }) => what.endsWith(".")));

    const again = await evaluateDictionary(gpu, identityRecord(), inputs, OPTIONS);
    assert.deepEqual(again.contenders, contenders, "the same figures again");
  } finally {
    gpu.close();
  }
});

Deno.test("with k = 1 PCA and dictionary have one active component, and the mean predictor has FVU 1", async () => {
  const gpu = await openGpu();
  try {
    const inputs = await heldOut();
    const one = await evaluateDictionary(gpu, identityRecord(1), inputs, OPTIONS);
    const figure = (i: number, name: string) =>
      one.contenders[i].figures.find((f) => f.name === name)!.value!;
    for (const i of [0, 1]) assert.ok(figure(i, "sparsity/l0") <= 1);
    const { data } = one;
    const mean = new Float32Array(D).map((_, j) => {
      let sum = 0;
      for (let r = 0; r < data.rows; r++) sum += data.points[0].x[r * D + j];
      return sum / data.rows;
    });
    const silentRecord = { ...identityRecord(1), wDec: new Float32Array(2 * D * D), bDec: mean };
    const flat = await evaluateDictionary(gpu, silentRecord, inputs, OPTIONS);
    const fvu = flat.contenders[0].figures.find((f) => f.name === "recon/fvu")!.value!;
    assert.ok(Math.abs(fvu - 1) < 1e-5, `FVU ${fvu}`);

    const wide = { ...identityRecord(), dIn: D + 1 };
    await assert.rejects(evaluateDictionary(gpu, wide, inputs, OPTIONS), {
      name: "SdmError",
      message: `Cannot evaluate: the dictionary has d_in ${D + 1}, ` +
        `activations at "${POINT.name}" have ${D}`,
    });
  } finally {
    gpu.close();
  }
});
