/**
 * Training of matching pursuits against sae-lens and overcomplete: the same first weights and batches, one step and twenty.
 * `tests/peers/pursuit_write.py` wrote what they found, in float64.
 */
import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { normaliseRows } from "../../lib/kernels/normalise_rows.ts";
import { matchingPursuit } from "../../lib/models/matching_pursuit.ts";
import { modelOptions, type PursuitSettings } from "../../lib/models/types.ts";
import golden from "../golden/pursuit.json" with { type: "json" };
import { whole } from "../kernels/device.ts";

interface PeerCase {
  name: string;
  peer: string;
  residual_threshold?: number;
  max_iterations: number;
  stop_on_duplicate_support?: boolean;
  W_dec: number[];
  b_dec?: number[];
  loss: number;
  after: Record<string, Record<string, number[]>>;
}

/** What each of them does beside the pursuit. */
const PEERS: Record<string, { loss: "sum_mean" | "mean"; clip: number; relu: boolean }> = {
  "sae-lens": { loss: "sum_mean", clip: 1, relu: true },
  overcomplete: { loss: "mean", clip: 0, relu: false },
  autograd: { loss: "mean", clip: 0, relu: false },
};

/** Largest difference over how far the farthest value has moved: a step is 3e-3, so float32 rounds 2e-5 of it. */
const TOLERANCE: Record<string, number> = { "1": 5e-5, "20": 2e-4 };

function build(gpu: Gpu, given: PeerCase, form: PursuitSettings["form"]) {
  const { loss, clip, relu } = PEERS[given.peer];
  const dynamic = (given.residual_threshold ?? 0) > 0 || given.stop_on_duplicate_support === true;
  const biased = given.b_dec !== undefined;
  return matchingPursuit.build(
    gpu,
    modelOptions({
      rows: golden.rows,
      dIn: golden.d_in,
      dSae: golden.d_sae,
      k: given.max_iterations,
      inputBias: biased,
      decoderBias: biased,
      unitRows: false,
      loss,
      clipGradNorm: clip,
      pursuit: {
        mode: dynamic ? "dynamic" : "static",
        maxIterations: given.max_iterations,
        residualThreshold: given.residual_threshold ?? 0,
        stopOnDuplicateSupport: given.stop_on_duplicate_support ?? false,
        relu,
        normaliseOnAccess: given.peer === "autograd",
        form,
      },
    }),
  );
}

async function compare(given: PeerCase, form: PursuitSettings["form"]): Promise<string> {
  const gpu = await whole();
  const model = build(gpu, given, form);
  const starts: Record<string, number[]> = { W_dec: given.W_dec, b_dec: given.b_dec ?? [] };
  for (const { name, value } of model.parameters) {
    writeRows(gpu, value, Float32Array.from(starts[name]));
  }
  // overcomplete has rows of length 1 whenever it looks, and a gradient that knows nothing of it.
  const putBack = given.peer === "overcomplete"
    ? normaliseRows.record(gpu, model.parameters[0].value)
    : [];
  const worst: string[] = [];
  for (let t = 0; t < 20; t++) {
    const x = golden.batches[t % golden.batches.length];
    writeRows(gpu, model.inputs[0], Float32Array.from(x));
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    words.setFloat32(STEP.lr * 4, golden.lr, true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - 0.9 ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - 0.999 ** (t + 1)), true);
    words.setUint32(STEP.k * 4, given.max_iterations, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, [...model.step, ...putBack]);
    if (t === 0) {
      const row = await readFloats(gpu, model.ring.buffer, model.ring.fields.length);
      const loss = row[model.ring.fields.findIndex(({ name }) => name === "loss/total")];
      assert.ok(Math.abs(loss - given.loss) <= 1e-5 * given.loss, `loss ${loss}, ${given.loss}`);
    }
    const expected = given.after[String(t + 1)];
    if (!expected) continue;
    for (const { name, value } of model.parameters) {
      const got = await readRows(gpu, value);
      const moved = Math.max(...expected[name].map((v, i) => Math.abs(v - starts[name][i])));
      const off = Math.max(...expected[name].map((v, i) => Math.abs(v - got[i]))) / moved;
      assert.ok(moved > 1e-3, `${name} has moved ${moved}`);
      assert.ok(off <= TOLERANCE[t + 1], `${name} after ${t + 1} steps is off by ${off}`);
      worst.push(`${name} after ${t + 1}: ${off.toExponential(1)}`);
    }
  }
  gpu.check();
  return worst.join(", ");
}

for (const given of golden.cases as unknown as PeerCase[]) {
  for (const form of ["gram", "residual"] as const) {
    Deno.test(`${given.peer}, ${given.name}: weights after 1 and 20 steps, ${form} form`, async (t) => {
      const worst = await compare(given, form);
      await t.step(worst, () => {});
    });
  }
}
