/** Options of gates that no family has by default: each trains, keeps about k latents a row, and resumes exactly. */
import assert from "assert";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { familyOf } from "../../lib/models/mod.ts";
import { type ModelOptions, modelOptions, type TrainableModel } from "../../lib/models/types.ts";
import { loadCheckpoint, saveCheckpoint } from "../../lib/train/checkpoint.ts";
import { withFolder } from "../files/folder.ts";
import { plantedRows } from "./planted.ts";

const D = 20, ROWS = 128, K = 4, BATCHES = 12;

const variants: { name: string; type: string; options: Partial<ModelOptions>; strays: boolean }[] =
  [
    {
      name: "a running quantile",
      type: "batchtopk",
      options: { activation: "batchtopk", batchGate: "running_quantile", thresholdEma: 0.8 },
      strays: true,
    },
    {
      name: "a steered threshold",
      type: "batchtopk",
      options: { activation: "batchtopk", batchGate: "control", thresholdEma: 0.95 },
      strays: true,
    },
    {
      name: "AuxK selected over the batch",
      type: "batchtopk",
      options: { activation: "batchtopk", auxSelect: "batch" },
      strays: false,
    },
    ...["topk", "groupmax", "batchtopk"].map((type) => ({
      name: `${type} by decoder norm, rows of any length`,
      type,
      options: { activation: type, gateByDecoderNorm: true, unitRows: false } as Partial<
        ModelOptions
      >,
      strays: false,
    })),
  ];

function steps(gpu: Gpu, model: TrainableModel, data: Float32Array, first: number, end: number) {
  for (let t = first; t < end; t++) {
    const at = (t % BATCHES) * ROWS * D;
    writeRows(gpu, model.space.x, data.subarray(at, at + ROWS * D));
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    words.setFloat32(STEP.lr * 4, 0.01, true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - 0.9 ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - 0.999 ** (t + 1)), true);
    words.setUint32(STEP.k * 4, K, true);
    words.setUint32(STEP.batchK * 4, K * ROWS, true);
    words.setUint32(STEP.track * 4, 1, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, model.step);
  }
}

for (const { name, type, options: given, strays } of variants) {
  Deno.test(`${name}: the loss falls, about k latents a row are active, and a checkpoint goes on`, () =>
    withFolder(async (folder) => {
      const gpu = await openGpu();
      try {
        const { x } = plantedRows({
          rows: ROWS * BATCHES,
          d: D,
          count: 30,
          active: 3,
          offset: 0.5,
          seed: 1,
        });
        const options = modelOptions({
          rows: ROWS,
          dIn: D,
          dSae: 48,
          k: K,
          auxkCoefficient: 1 / 32,
          kAux: 8,
          deadAfterTokens: 8 * ROWS,
          ...given,
        });
        const family = familyOf(type);
        const model = family.build(gpu, options);
        const values = family.initial(options, 5, {
          bDec: [new Float32Array(D)],
          meanInput: [new Float32Array(D)],
          sample: x.subarray(0, D),
          scales: [1],
        });
        for (const { name, value } of model.parameters) {
          writeRows(gpu, value, values.get(name) as Float32Array);
        }
        const figure = async (field: string) => {
          const place = model.ring.fields.findIndex((f) => f.name === field);
          return (await readFloats(gpu, model.ring.buffer))[place];
        };
        const save = (step: number, of: TrainableModel) =>
          saveCheckpoint(folder, gpu, of, { step, input_scales: [1], config_sha256: "" });

        steps(gpu, model, x, 0, 1);
        const before = await figure("recon/fvu");
        steps(gpu, model, x, 1, 17);
        await save(17, model);
        steps(gpu, model, x, 17, 60);
        const whole = await save(60, model);
        const after = await figure("recon/fvu");
        assert.ok(after < 0.5 * before, `FVU ${before}, then ${after}`);
        const l0 = await figure("sparsity/l0");
        assert.ok(strays ? l0 !== K && Math.abs(l0 / K - 1) < 0.3 : l0 <= K, `L0 ${l0}`);
        assert.ok(l0 > 0.8 * K, `L0 ${l0}`);

        const again = family.build(gpu, options);
        await loadCheckpoint(folder, 17, gpu, again);
        steps(gpu, again, x, 17, 60);
        assert.equal((await save(61, again)).sha256, whole.sha256);
      } finally {
        gpu.close();
      }
    }));
}
