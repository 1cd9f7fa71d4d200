/**
 * Whole training steps of a TopK dictionary, from a batch on the device to updated parameters, and the start-up before.
 * @module
 */
import { SdmError } from "../lib/base/errors.ts";
import { type Gpu, openGpu } from "../lib/gpu/device.ts";
import { timeKernels } from "../lib/gpu/program.ts";
import { readFloats } from "../lib/gpu/readback.ts";
import { writeRows } from "../lib/gpu/rows.ts";
import { matryoshka } from "../lib/models/matryoshka.ts";
import { topk } from "../lib/models/topk.ts";
import { type ModelOptions, modelOptions, type TrainableModel } from "../lib/models/types.ts";
import { calibrate, runMs, wallMs } from "./harness.ts";
import { draw, stepWords } from "./stage.ts";
import { median, repeatsFor, timesOf } from "./stats.ts";
import type { StartupResult, StepResult, TrainShape } from "./types.ts";

/** More tokens than any bench sees: nothing dies. */
const NEVER = 0x7fffffff;

function optionsOf({ rows, d, latents, k }: TrainShape, deadAfterTokens: number): ModelOptions {
  return modelOptions({
    rows,
    dIn: d,
    dSae: latents,
    k,
    auxkCoefficient: 1 / 32,
    kAux: d / 2,
    deadAfterTokens,
  });
}

function writeBatch(gpu: Gpu, model: TrainableModel, { rows, d, k }: TrainShape): void {
  writeRows(gpu, model.inputs[0], draw(rows * d, 11));
  gpu.device.queue.writeBuffer(model.space.step, 0, stepWords(k));
}

/** Last row of the metrics ring; throws when a step went wrong, so that nothing fast but broken is recorded. */
async function readStep(gpu: Gpu, model: TrainableModel, { k }: TrainShape) {
  const { buffer, fields } = model.ring;
  const ring = await readFloats(gpu, buffer, fields.length);
  const get = (name: string) => ring[fields.findIndex((f) => f.name === name)];
  const fvu = get("recon/fvu"), l0 = get("sparsity/l0"), dead = get("sparsity/dead");
  if (!(Number.isFinite(fvu) && fvu > 0 && l0 > 0.9 * k && l0 <= k)) {
    throw new SdmError(
      `Cannot time steps: fvu ${fvu} and l0 ${l0} came out, a finite fvu and ${k} are needed`,
    );
  }
  return { dead, auxLoss: get("loss/auxk") };
}

/** Opens the adapter and does two steps, as a run does before it learns anything. */
export async function measureStartup(shape: TrainShape): Promise<StartupResult> {
  const seconds = (since: number) => (performance.now() - since) / 1000;
  const started = performance.now();
  const gpu = await openGpu();
  const openSeconds = seconds(started);
  const building = performance.now();
  const options = optionsOf(shape, NEVER);
  const values = topk.initial(options, 1, {
    bDec: [new Float32Array(shape.d)],
    meanInput: [],
    sample: new Float32Array(0),
    scales: [1],
  });
  const model = topk.build(gpu, options);
  for (const p of model.parameters) writeRows(gpu, p.value, values.get(p.name) as Float32Array);
  writeBatch(gpu, model, shape);
  const buildSeconds = seconds(building);
  const firstStepSeconds = await wallMs(gpu, model.step, 1) / 1000;
  const secondStepSeconds = await wallMs(gpu, model.step, 1) / 1000;
  const { peakBytes } = gpu.memory;
  await readStep(gpu, model, shape);
  gpu.close();
  return { shape, openSeconds, buildSeconds, firstStepSeconds, secondStepSeconds, peakBytes };
}

/** Steps that are timed in turn. */
interface Variant {
  /** In words, where the number of dead latents does not say it. */
  name?: string;
  /** Whether half of the latents are dead. */
  dying: boolean;
  /** Whether five prefixes that double reconstruct by themselves. */
  nested: boolean;
}

const VARIANTS: readonly Variant[] = [
  { dying: false, nested: false },
  { dying: true, nested: false },
  { name: "5 prefixes", dying: false, nested: true },
];

/**
 * A model whose dead latents, if `dying`, are the second half: the bias of the first lifts it above them on every row,
 * and half of their scores are positive, so that AuxK finds all the latents it wants on every row and on every step.
 */
function makeModel(gpu: Gpu, shape: TrainShape, { dying, nested }: Variant): TrainableModel {
  const { d, latents } = shape;
  const model = (nested ? matryoshka : topk).build(gpu, optionsOf(shape, dying ? 1 : NEVER));
  const lift = new Float32Array(latents).fill(dying ? 8 : 0, 0, latents / 2);
  for (const { name, value } of model.parameters) {
    if (name === "b_enc") writeRows(gpu, value, lift);
    else if (name !== "b_dec") writeRows(gpu, value, draw(latents * d, 12, 1 / Math.sqrt(d)));
  }
  writeBatch(gpu, model, shape);
  return model;
}

/** A model and its times. */
interface Run {
  variant: Variant;
  model: TrainableModel;
  bytes: number;
  n: number;
  ms: number[];
  kernels: Map<string, number>[];
}

/** Median over the rounds of a time over that of the first steps. */
function ratioTo(first: readonly number[], ms: readonly number[]): number {
  return median(ms.map((t, r) => t / first[r]));
}

/** Times steps without and with dead latents, and with nested prefixes, in turn. */
export async function measureSteps(
  shape: TrainShape,
  rounds: number,
  progress: (round: number) => void = () => {},
): Promise<StepResult[]> {
  const gpu = await openGpu();
  const runs: Run[] = [];
  for (const variant of VARIANTS) {
    const before = gpu.memory.bytes;
    const model = makeModel(gpu, shape, variant);
    const bytes = gpu.memory.bytes - before;
    await wallMs(gpu, model.step, 1);
    const n = repeatsFor(await wallMs(gpu, model.step, 1), 200, 64);
    runs.push({ variant, model, bytes, n, ms: [], kernels: [] });
  }
  const clock = await calibrate(gpu, runs[0].model.step);
  const counts = new Map<string, number>();
  for (let r = 0; r < rounds; r++) {
    progress(r);
    for (const run of runs) {
      run.ms.push(await runMs(gpu, run.model.step, run.n));
      const times = await timeKernels(gpu, run.model.step);
      run.kernels.push(new Map(times.map((t) => [t.kernel, t.ticks])));
      for (const t of times) counts.set(t.kernel, t.count);
    }
  }
  const results: StepResult[] = [];
  for (const { variant, model, bytes, ms, kernels } of runs) {
    const { dead, auxLoss } = await readStep(gpu, model, shape);
    if ((dead > 0) !== (auxLoss > 0)) {
      throw new SdmError(`Cannot time steps: ${dead} latents are dead and AuxK is ${auxLoss}`);
    }
    const times = timesOf(ms);
    const ticks = [...counts].map(([kernel, count]) => ({
      kernel,
      count,
      ticks: median(kernels.map((k) => k.get(kernel) ?? 0)),
    }));
    const total = ticks.reduce((sum, t) => sum + t.ticks, 0);
    results.push({
      shape,
      variant: variant.name,
      dead,
      ...(model === runs[0].model ? {} : { ratio: ratioTo(runs[0].ms, ms) }),
      ...times,
      tokensPerSecond: shape.rows / times.medianMs * 1000,
      ...(clock.tickNs === undefined ? {} : { kernelMs: total * clock.tickNs / 1e6 }),
      shares: ticks.map(({ kernel, count, ticks }) => ({ kernel, count, share: ticks / total }))
        .sort((a, b) => b.share - a.share),
      peakBytes: bytes,
    });
  }
  gpu.close();
  return results;
}
