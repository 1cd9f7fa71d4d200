/**
 * Whole training steps, from a batch on the device to updated parameters, of several models in turn; and the start-up
 * before the first.
 * @module
 */
import { SdmError } from "../lib/base/errors.ts";
import { type Gpu, openGpu } from "../lib/gpu/device.ts";
import { timeKernels } from "../lib/gpu/program.ts";
import { writeRows } from "../lib/gpu/rows.ts";
import { FAMILIES, familyOf } from "../lib/models/mod.ts";
import { topk } from "../lib/models/topk.ts";
import type { ModelFamily, ModelOptions, TrainableModel } from "../lib/models/types.ts";
import { calibrate, type Clock, runMs, wallMs } from "./harness.ts";
import { benchModel, benchOptions, checkStep } from "./models.ts";
import { draw, stepWords } from "./stage.ts";
import { median, repeatsFor, timesOf } from "./stats.ts";
import type { StartupResult, StepResult, TrainShape } from "./types.ts";

/** Opens the adapter and does two steps, as a run does before it learns anything. */
export async function measureStartup(shape: TrainShape): Promise<StartupResult> {
  const seconds = (since: number) => (performance.now() - since) / 1000;
  const started = performance.now();
  const gpu = await openGpu();
  const openSeconds = seconds(started);
  const building = performance.now();
  const options = benchOptions(topk, shape);
  const values = topk.initial(options, 1, {
    bDec: [new Float32Array(shape.d)],
    meanInput: [],
    sample: new Float32Array(0),
    scales: [1],
  });
  const model = topk.build(gpu, options);
  for (const p of model.parameters) writeRows(gpu, p.value, values.get(p.name) as Float32Array);
  writeRows(gpu, model.inputs[0], draw(shape.rows * shape.d, 11));
  gpu.device.queue.writeBuffer(model.space.step, 0, stepWords(shape.k, shape.rows));
  const buildSeconds = seconds(building);
  const firstStepSeconds = await wallMs(gpu, model.step, 1) / 1000;
  const secondStepSeconds = await wallMs(gpu, model.step, 1) / 1000;
  const { peakBytes } = gpu.memory;
  await checkStep(gpu, model, "topk", shape);
  gpu.close();
  return { shape, openSeconds, buildSeconds, firstStepSeconds, secondStepSeconds, peakBytes };
}

/** Steps that are timed in turn with others. */
export interface Contender {
  /** In words. */
  name: string;
  /** The family. */
  family: ModelFamily;
  /** Options beside those of the family. */
  options?: (shape: TrainShape) => Partial<ModelOptions>;
  /** Whether half of the latents are dead and AuxK serves them on every step. */
  dying?: boolean;
  /** Latents beyond which a step takes minutes; a shape with more is cut to them. */
  mostLatents?: number;
}

/** A plain step, what all others are compared with. */
const PLAIN: Contender = { name: "topk", family: topk };

/** A TopK step; the same with half of the latents dead, with prefixes that reconstruct by themselves, and screened. */
export const TOPK_STEPS: readonly Contender[] = [
  PLAIN,
  { name: "half dead", family: topk, dying: true },
  { name: "5 prefixes", family: familyOf("matryoshka"), options: () => ({ activation: "topk" }) },
  ...[2, 4].map((part) => ({
    name: `screened along d / ${part}`,
    family: topk,
    options: ({ d }: TrainShape) => ({ screen: { dims: d / part, factor: 4 } }),
  })),
];

/** A step of every family of the registry, a new one too. */
export const FAMILY_STEPS: readonly Contender[] = FAMILIES.map((family) => ({
  name: family.type,
  family,
  // A pursuit is the product of all pairs of latents, or a product with them for each of its picks.
  ...family.type === "matching_pursuit" && { mostLatents: 16384 },
}));

/**
 * The bias of the first half lifts it above the second on every row, which so is dead; half of the scores of the second
 * are positive, so that AuxK finds all the latents it wants on every row and on every step.
 */
function modelOf(gpu: Gpu, shape: TrainShape, { family, options, dying }: Contender) {
  const bias = dying ? new Float32Array(shape.latents).fill(8, 0, shape.latents / 2) : undefined;
  const more = { ...options?.(shape), ...dying && { deadAfterTokens: 1 } };
  return benchModel(gpu, family, shape, { options: more, bias });
}

/** A model and its times. */
interface Run {
  contender: Contender;
  model: TrainableModel;
  bytes: number;
  n: number;
  ms: number[];
  kernels: Map<string, number>[];
  counts: Map<string, number>;
}

/** How long a measurement may be. */
export interface StepLimits {
  /** Rounds at most; at least one is made. */
  rounds: number;
  /** Seconds after which no further round begins. */
  seconds: number;
}

async function warm(gpu: Gpu, shape: TrainShape, contender: Contender): Promise<Run> {
  const before = gpu.memory.bytes;
  const model = modelOf(gpu, shape, contender);
  const bytes = gpu.memory.bytes - before;
  await wallMs(gpu, model.step, 1);
  const first = await wallMs(gpu, model.step, 1);
  const n = first > 400 ? 1 : repeatsFor(first, 200, 64);
  return { contender, model, bytes, n, ms: [], kernels: [], counts: new Map() };
}

/** One more time of a step and of its kernels. */
async function oneRound(gpu: Gpu, run: Run): Promise<void> {
  const { step } = run.model;
  // A step of half a second is long beside the wait for the answer: once is enough.
  run.ms.push(run.n === 1 ? await wallMs(gpu, step, 1) : await runMs(gpu, step, run.n));
  const times = await timeKernels(gpu, step);
  run.kernels.push(new Map(times.map((t) => [t.kernel, t.ticks])));
  for (const t of times) run.counts.set(t.kernel, t.count);
}

async function resultOf(
  gpu: Gpu,
  clock: Clock,
  run: Run,
  first: Run,
  shape: TrainShape,
): Promise<StepResult> {
  const { name, dying } = run.contender;
  const { l0, dead, auxLoss } = await checkStep(gpu, run.model, name, shape);
  if ((dead > 0) !== (dying ?? false) || (dying && !(auxLoss > 0))) {
    throw new SdmError(
      `Cannot time steps of ${name}: ${dead} latents are dead, AuxK is ${auxLoss}`,
    );
  }
  const ticks = [...run.counts].map(([kernel, count]) => ({
    kernel,
    count,
    ticks: median(run.kernels.map((k) => k.get(kernel) ?? 0)),
  }));
  const total = ticks.reduce((sum, t) => sum + t.ticks, 0);
  const times = timesOf(run.ms);
  return {
    shape,
    name,
    dead,
    l0,
    ...run === first ? {} : { ratio: median(run.ms.map((ms, r) => ms / first.ms[r])) },
    ...times,
    tokensPerSecond: shape.rows / times.medianMs * 1000,
    ...clock.tickNs === undefined ? {} : { kernelMs: total * clock.tickNs / 1e6 },
    shares: ticks.map(({ kernel, count, ticks }) => ({ kernel, count, share: ticks / total }))
      .sort((a, b) => b.share - a.share),
    peakBytes: run.bytes,
  };
}

/** Times steps in turn on one device; ratios are to the first. */
export async function measureSteps(
  shape: TrainShape,
  contenders: readonly Contender[],
  { rounds, seconds }: StepLimits,
  say: (text: string) => void = () => {},
): Promise<StepResult[]> {
  const gpu = await openGpu();
  try {
    const runs: Run[] = [];
    for (const contender of contenders) {
      say(`steps at d ${shape.d}: ${contender.name}`);
      runs.push(await warm(gpu, shape, contender));
    }
    const clock = await calibrate(gpu, runs[0].model.step);
    const started = performance.now();
    for (let r = 0; r < rounds && (r === 0 || performance.now() - started < seconds * 1e3); r++) {
      say(`steps at d ${shape.d}, round ${r + 1} of ${rounds}`);
      for (const run of runs) await oneRound(gpu, run);
    }
    const results: StepResult[] = [];
    for (const run of runs) results.push(await resultOf(gpu, clock, run, runs[0], shape));
    return results;
  } finally {
    gpu.close();
  }
}

/** Large models two at a time, each in turn with a plain step, so that memory is that of two. */
export async function measureInPairs(
  shape: TrainShape,
  contenders: readonly Contender[],
  limits: StepLimits,
  say: (text: string) => void = () => {},
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const contender of contenders) {
    if (contender.family === PLAIN.family && !contender.dying) continue;
    const latents = Math.min(shape.latents, contender.mostLatents ?? Infinity);
    const pair = await measureSteps({ ...shape, latents }, [PLAIN, contender], limits, say);
    results.push(...results.length === 0 ? pair : pair.slice(1));
  }
  return results;
}
