/**
 * The TopK sparse autoencoder: k largest pre-activations a row, unit-norm decoder, AuxK for dead latents.
 * Source: architectures spec, section 2 (Gao et al. 2024).
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { rowsDecoder } from "../blocks/decoders/rows.ts";
import { denseEncoder } from "../blocks/encoders/dense.ts";
import { topkGate } from "../blocks/gates/topk.ts";
import { auxkLoss, deadLatents } from "../blocks/losses/auxk.ts";
import { fvuLoss } from "../blocks/losses/fvu.ts";
import { createParameter, createWorkspace, gradOf, vectorOf } from "../blocks/types.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import { onlyShard } from "../gpu/rows.ts";
import { biasGradient } from "../kernels/bias_gradient.ts";
import { centerRows } from "../kernels/center_rows.ts";
import { createCodeByLatent } from "../kernels/code.ts";
import { columnSums } from "../kernels/column_sums.ts";
import { createCount, SCALARS } from "../kernels/common.ts";
import { projectRows } from "../kernels/project_rows.ts";
import { stepScalars } from "../kernels/step_scalars.ts";
import { adamOptimizer } from "../optim/adam.ts";
import type { InitialValues, ModelFamily, ModelOptions, TrainableModel } from "./types.ts";

/** Unit rows in random directions, encoder tied to the decoder, zero encoder bias. */
function initial(options: ModelOptions, seed: number, bDec: Float32Array): InitialValues {
  const { dSae, dOut } = options;
  const stream = new RandomStream(seed, "init");
  const wDec = new Float32Array(dSae * dOut);
  for (let f = 0; f < dSae; f++) {
    const row = wDec.subarray(f * dOut, (f + 1) * dOut);
    stream.fillNormal(f, row);
    let square = 0;
    for (const v of row) square += v * v;
    const factor = 1 / Math.sqrt(square);
    for (let j = 0; j < dOut; j++) row[j] *= factor;
  }
  return new Map([
    ["W_enc", wDec.slice()],
    ["b_enc", new Float32Array(dSae)],
    ["W_dec", wDec],
    ["b_dec", bDec.slice()],
  ]);
}

function build(gpu: Gpu, options: ModelOptions): TrainableModel {
  const { rows, dIn, dOut, dSae } = options;
  const space = createWorkspace(gpu, options, options.ringSlots);
  const wEnc = createParameter(gpu, "W_enc", dSae, dIn);
  const bEnc = createParameter(gpu, "b_enc", 1, dSae);
  const wDec = createParameter(gpu, "W_dec", dSae, dOut, true);
  const bDec = createParameter(gpu, "b_dec", 1, dOut);
  const parameters = [wEnc, bEnc, wDec, bDec];

  const encoder = denseEncoder(gpu, space, wEnc, bEnc);
  const gate = topkGate(gpu, {
    rows,
    kMax: options.kMax,
    step: space.step,
    count: createCount(gpu, dSae),
  });
  const decoder = rowsDecoder(gpu, space, wDec, bDec);
  const dead = deadLatents(gpu, { rows, dSae, deadAfter: options.deadAfterTokens });
  const byLatent = createCodeByLatent(gpu, rows, options.kMax, dSae);
  const site = {
    code: gate.code,
    byLatent,
    recon: space.recon,
    residual: space.residual,
    scaleWord: SCALARS.scale,
  };
  const selection = gate.forward(encoder.panels());
  const aux = options.auxkCoefficient > 0
    ? auxkLoss(gpu, space, {
      alpha: options.auxkCoefficient,
      kAux: options.kAux,
      wEnc,
      bEnc,
      encoder,
      decoder,
      dead,
    }).forwardBackward()
    : [];
  const optimizer = adamOptimizer(gpu, parameters, space, options.adam);
  const finish = finishGradients(gpu, { space, wEnc, bEnc, wDec, bDec }, {
    options,
    active: byLatent.offsets,
    deadCount: dead.deadCount,
  });

  return {
    gateScope: gate.scope,
    space,
    parameters,
    optimizerState: optimizer.state,
    counters: [
      { name: "since_fired", buffer: dead.sinceFired, words: dSae },
      { name: "fired", buffer: dead.fired, words: dSae },
    ],
    step: [
      centerRows.record(gpu, {
        rows,
        d: dIn,
        x: onlyShard(space.x),
        bias: vectorOf(bDec),
        centred: onlyShard(space.centred),
      }),
      ...selection.panels.flat(),
      ...selection.finish,
      ...decoder.forward(site, true),
      ...fvuLoss(gpu, space, dead.deadCount).forward(),
      ...decoder.count(site),
      ...dead.track(byLatent.counts),
      ...decoder.backward(site, false),
      ...encoder.backward(byLatent, false),
      ...aux,
      ...finish,
      ...optimizer.update(),
    ],
  };
}

type Four = Record<"wEnc" | "bEnc" | "wDec" | "bDec", ReturnType<typeof createParameter>>;

/** Gradient of the shared bias, projection, and the clip factor: backward → project → clip (spec section 0.4). */
function finishGradients(
  gpu: Gpu,
  { space, wEnc, bEnc, wDec, bDec }: Four & { space: TrainableModel["space"] },
  { options, active, deadCount }: {
    options: ModelOptions;
    active: GPUBuffer;
    deadCount: GPUBuffer;
  },
): Command[] {
  const { dOut, dSae } = options;
  const floats = (label: string, n: number) => createBuffer(gpu, n * 4, label);
  const stride = space.recon.stride;
  const residualSum = floats("residual sum", stride);
  const encoderSum = floats("encoder sum", stride);
  const squares = floats("squares", Math.ceil(dSae / 4) * 4);
  const latentSquares = floats("latent squares", 4);
  const biasSquares = floats("bias squares", 4);
  return [
    ...columnSums.record(gpu, { shards: space.residual.shards, stride, sums: residualSum }),
    ...columnSums.record(gpu, {
      shards: wEnc.value.shards,
      stride: wEnc.value.stride,
      weights: gradOf(bEnc),
      sums: encoderSum,
    }),
    biasGradient.record(gpu, {
      d: dOut,
      residualSum,
      encoderSum,
      scalars: space.scalars,
      scaleWord: SCALARS.scale,
      grad: gradOf(bDec),
      squares: biasSquares,
    }),
    ...projectRows.record(gpu, {
      w: wDec.value,
      grad: wDec.grad,
      other: wEnc.grad,
      gradBias: gradOf(bEnc),
      squares,
      project: wDec.unitRows,
    }),
    ...columnSums.record(gpu, {
      shards: [{ buffer: squares, rows: Math.ceil(dSae / 4), firstRow: 0 }],
      stride: 4,
      sums: latentSquares,
    }),
    stepScalars.record(gpu, {
      limit: options.clipGradNorm,
      alpha: options.auxkCoefficient,
      rows: options.rows,
      step: space.step,
      latentSquares,
      biasSquares,
      activeCount: active,
      activePlace: dSae,
      deadCount,
      deadPlace: 0,
      scalars: space.scalars,
      ring: space.ring,
    }),
  ];
}

/** The TopK family. */
export const topk: ModelFamily = {
  type: "topk",
  doc:
    "The k largest pre-activations of each row, then ReLU; unit-norm decoder; AuxK for dead latents",
  initial,
  build,
  record: (options, values) => {
    const get = (name: string) => values.get(name) as Float32Array;
    return {
      kind: "sae",
      dIn: options.dIn,
      dOut: options.dOut,
      dSae: options.dSae,
      wEnc: get("W_enc"),
      bEnc: get("b_enc"),
      wDec: get("W_dec"),
      bDec: get("b_dec"),
      subtractBDec: true,
      gateByDecoderNorm: false,
      activation: { name: "topk", k: options.k },
    };
  },
};
