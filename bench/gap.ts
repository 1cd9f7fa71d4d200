/**
 * Whether the adapter waits for the host: the real training loop on batches in memory, with the adapter's clock at both
 * ends of every compute pass, and the host's at every submission.
 * @module
 */
import { loadConfig } from "../lib/config/load.ts";
import { resolveDefaults } from "../lib/config/resolve.ts";
import type { ResolvedConfig } from "../lib/config/types.ts";
import type { ShuffledBatches } from "../lib/data/shuffled_batches.ts";
import { createBuffer, type Gpu, openGpu } from "../lib/gpu/device.ts";
import { readSlices } from "../lib/gpu/readback.ts";
import { writeRows } from "../lib/gpu/rows.ts";
import { topk } from "../lib/models/topk.ts";
import type { TrainableModel } from "../lib/models/types.ts";
import { type LoopEnd, trainLoop } from "../lib/train/loop.ts";
import { modelOptionsOf } from "../lib/train/plan.ts";
import { calibrate } from "./harness.ts";
import { draw } from "./stage.ts";
import { median } from "./stats.ts";
import type { GapResult, TrainShape } from "./types.ts";

/** Steps before the clock starts: pipelines are compiled, and the host gets ahead. */
const WARM = 6;

/** Batches that take turns. */
const BATCHES = 3;

/** Passes that are timed at most: a query set holds 4096 timestamps. */
const MOST_PASSES = 2048;

async function configOf(shape: TrainShape, steps: number): Promise<ResolvedConfig> {
  const { rows, d, latents, k } = shape;
  const keys = {
    "dictionary.type": "topk",
    "dictionary.d_sae": latents,
    "dictionary.k": k,
    // By itself a run this short would soon call latents dead, and time AuxK.
    "dictionary.dead_after_tokens": rows * steps * 10,
    "train.batch_tokens": rows,
    "train.training_tokens": rows * steps,
    "train.log_every": Math.max(1, Math.round(steps / 4)),
  };
  const overrides = Object.entries(keys).map(([path, value]) => ({ path, value }));
  const config = await loadConfig({ overrides, inputs: false });
  return resolveDefaults(config, { dIn: d });
}

function memoryBatches({ rows, d }: TrainShape): ShuffledBatches {
  const batches = Array.from({ length: BATCHES }, (_, i) => draw(rows * d, 31 + i));
  return {
    points: [{ name: "bench", tensor: "bench", d }],
    batchRows: rows,
    batchesPerEpoch: BATCHES,
    waitedSeconds: 0,
    batch: (step) => Promise.resolve({ step, rows, points: [batches[step % BATCHES]] }),
    describe: () => ({}),
    close: () => Promise.resolve(),
  };
}

/** What was seen of passes and submissions while the probe was on. */
interface Seen {
  /** Host's milliseconds from the end of a submission to the next: what it does for a step, and its waits. */
  between: number[];
  /** First pass of every step, of those with timestamps. */
  firstPass: number[];
  /** Passes with timestamps. */
  passes: number;
}

/** Puts clocks into passes and submissions of this process, and takes them out again. */
function probe(querySet: GPUQuerySet | undefined): Seen & { stop(): void } {
  const encoder = GPUCommandEncoder.prototype, queue = GPUQueue.prototype;
  const { beginComputePass } = encoder, { submit } = queue;
  const seen: Seen = { between: [], firstPass: [], passes: 0 };
  let fresh = true;
  let ended = NaN;
  encoder.beginComputePass = function (descriptor) {
    if (!querySet || seen.passes === MOST_PASSES) return beginComputePass.call(this, descriptor);
    if (fresh) seen.firstPass.push(seen.passes);
    fresh = false;
    const at = 2 * seen.passes++;
    return beginComputePass.call(this, {
      ...descriptor,
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: at,
        endOfPassWriteIndex: at + 1,
      },
    });
  };
  queue.submit = function (buffers) {
    // Some drivers hold the host here until the work before has ended.
    if (!Number.isNaN(ended)) seen.between.push(performance.now() - ended);
    submit.call(this, buffers);
    ended = performance.now();
    fresh = true;
  };
  return Object.assign(seen, {
    stop() {
      encoder.beginComputePass = beginComputePass;
      queue.submit = submit;
    },
  });
}

/** Ticks at both ends of the passes: [begin, end, begin, end, …]. */
async function readTicks(gpu: Gpu, querySet: GPUQuerySet, passes: number): Promise<number[]> {
  const resolved = createBuffer(
    gpu,
    passes * 16,
    "timestamps",
    GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  );
  const encoder = gpu.device.createCommandEncoder();
  encoder.resolveQuerySet(querySet, 0, 2 * passes, resolved, 0);
  gpu.device.queue.submit([encoder.finish()]);
  const [bytes] = await readSlices(gpu, [{ buffer: resolved, size: passes * 16 }]);
  const ticks = new BigUint64Array(bytes);
  return Array.from(ticks, (t) => Number(t - ticks[0]));
}

/** Time in passes, and from the last pass of a submission to the first of the next; in ticks, whole steps only. */
export function gapsOf(
  ticks: readonly number[],
  firstPass: readonly number[],
): { busy: number; gaps: number[]; whole: number } {
  const gaps: number[] = [];
  for (const first of firstPass.slice(1)) {
    gaps.push(Math.max(0, ticks[2 * first] - ticks[2 * first - 1]));
  }
  const last = firstPass[firstPass.length - 1] ?? 0;
  let busy = 0;
  for (let p = 0; p < last; p++) busy += ticks[2 * p + 1] - ticks[2 * p];
  return { busy, gaps, whole: last > 0 ? ticks[2 * last] - ticks[0] : 0 };
}

async function loop(
  gpu: Gpu,
  model: TrainableModel,
  config: ResolvedConfig,
  batches: ShuffledBatches,
  range: { firstStep: number; stopAfterStep: number },
): Promise<LoopEnd> {
  return await trainLoop({
    gpu,
    model,
    config,
    batches,
    scales: [1],
    ...range,
    onFigures: () => {},
    onCheckpoint: () => Promise.resolve(),
  });
}

/** Runs `steps` steps of the training loop. */
export async function measureGap(shape: TrainShape, steps: number): Promise<GapResult> {
  const gpu = await openGpu();
  try {
    const config = await configOf(shape, WARM + steps);
    const model = topk.build(gpu, modelOptionsOf(config));
    for (const { name, value } of model.parameters) {
      if (!name.startsWith("W_")) continue;
      writeRows(gpu, value, draw(value.rows * value.cols, 12, 1 / Math.sqrt(value.cols)));
    }
    const batches = memoryBatches(shape);
    await loop(gpu, model, config, batches, { firstStep: 0, stopAfterStep: WARM });
    const { tickNs } = await calibrate(gpu, model.step);
    const querySet = tickNs === undefined
      ? undefined
      : gpu.device.createQuerySet({ type: "timestamp", count: 2 * MOST_PASSES });
    const clocks = probe(querySet);
    let end: LoopEnd;
    try {
      const range = { firstStep: WARM, stopAfterStep: WARM + steps };
      end = await loop(gpu, model, config, batches, range);
    } finally {
      clocks.stop();
    }
    const result: GapResult = {
      shape,
      steps,
      wallMs: end.seconds * 1000 / steps,
      hostMs: median(clocks.between),
    };
    if (!querySet || tickNs === undefined) return result;
    const ticks = await readTicks(gpu, querySet, clocks.passes);
    const { busy, gaps, whole } = gapsOf(ticks, clocks.firstPass);
    const ms = tickNs / 1e6;
    return {
      ...result,
      gpuMs: busy * ms / gaps.length,
      gapMs: median(gaps) * ms,
      idleShare: gaps.reduce((a, b) => a + b, 0) / whole,
    };
  } finally {
    gpu.close();
  }
}
