/**
 * The pace of a run, measured on its first steps while they go on: the last part of every plan.
 * @module
 */
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import type { Gpu } from "../gpu/device.ts";
import type { LoadMeter } from "./load_meter.ts";
import { aloneFrom, type Pace, togetherOf } from "./pace.ts";

/** Steps that a plan is made from. */
export const PROBE_STEPS = 20;

/** The first of them, in which shaders are compiled, do not count. */
const WARM_STEPS = 4;

/** Rates that were not to be measured: a source that is read faster than anybody can tell. */
const FASTEST = 1e9;

/** What the first steps take place with. */
export interface FirstStepsOptions {
  /** The device. */
  gpu: Gpu;
  /** Data. */
  batches: ShuffledBatches;
  /** Counts what is read or made; taken to cost nothing where it is absent. */
  loads?: LoadMeter;
  /** Blocks on the device itself: model and steps take turns there. */
  deviceBlocks?: unknown;
  /** Steps done before. */
  firstStep: number;
}

interface Moment {
  at: number;
  waited: number;
  rows: number;
  loading: number;
}

/** What was counted before the loop, after the warm steps, and after the last. */
interface Counted {
  before: Moment;
  begin: Moment;
  end: Moment;
  rows: number;
}

function paceOf(
  { before, begin, end, rows }: Counted,
  { shared, inTurns }: { shared: boolean; inTurns: boolean },
): Pace {
  const busy = end.loading - begin.loading;
  const span = end.at - begin.at;
  const model = before.loading > 0 ? before.rows / before.loading : FASTEST;
  const dictionary = rows / Math.max(1e-6, span - (end.waited - begin.waited));
  if (inTurns || busy < 0.5 * span || end.rows === begin.rows) {
    const alone = { model, dictionary };
    return { alone, together: togetherOf(alone, shared) };
  }
  const together = { model: Math.min(model, (end.rows - begin.rows) / busy), dictionary };
  return { alone: aloneFrom(together, model, shared), together };
}

/**
 * Measures the first steps of a loop. The function that it returns is called after each step is submitted; it waits for the
 * device twice, and returns the pace once.
 */
export function firstSteps(
  { gpu, batches, loads, deviceBlocks, firstStep }: FirstStepsOptions,
): (done: number) => Promise<Pace | undefined> {
  const now = (): Moment => ({
    at: performance.now() / 1000,
    waited: batches.waitedSeconds,
    rows: loads?.rows() ?? 0,
    loading: loads?.seconds() ?? 0,
  });
  const before = now();
  let begin: Moment | undefined;
  const whenDone = async () => {
    await gpu.device.queue.onSubmittedWorkDone();
    return now();
  };
  return async (done) => {
    if (done === firstStep + WARM_STEPS) begin = await whenDone();
    if (done !== firstStep + PROBE_STEPS || !begin) return undefined;
    const rows = (PROBE_STEPS - WARM_STEPS) * batches.batchRows;
    return paceOf({ before, begin, end: await whenDone(), rows }, {
      shared: gpu.facts.software || deviceBlocks !== undefined,
      inTurns: deviceBlocks !== undefined,
    });
  };
}
