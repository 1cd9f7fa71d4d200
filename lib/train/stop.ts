/**
 * Stopping while data is awaited, which may take long where a model makes it.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import { nextBatch } from "../data/types.ts";

/** What a promise gives, or undefined when the signal comes first. */
export async function unlessAborted<T>(
  value: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  if (!signal) return await value;
  // After a stop nobody waits for the value; that it fails, as its source is closed, must not end the program.
  value.catch(() => {});
  if (signal.aborted) return undefined;
  let stop: () => void = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", stop = () => resolve(undefined));
  });
  try {
    return await Promise.race([value, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * For the time before there is anything to keep.
 * @throws SdmError when the signal came
 */
export function checkStopped(signal?: AbortSignal): void {
  if (!signal?.aborted) return;
  throw new SdmError("Stopped before the first step: there is nothing to go on from", {
    exitCode: 130,
  });
}

/** Batches that throw when the signal comes: for the time before there is anything to keep. */
export function untilStopped(batches: ShuffledBatches, signal?: AbortSignal): ShuffledBatches {
  const orStop = async <T>(value: Promise<T>): Promise<T> => {
    const batch = await unlessAborted(value, signal);
    if (batch === undefined) checkStopped(signal);
    return batch as T;
  };
  return {
    points: batches.points,
    batchRows: batches.batchRows,
    batchesPerEpoch: batches.batchesPerEpoch,
    get waitedSeconds() {
      return batches.waitedSeconds;
    },
    get idleSeconds() {
      return batches.idleSeconds;
    },
    describe: () => batches.describe(),
    close: () => batches.close(),
    batch: (step) => orStop(batches.batch(step)),
    next: (step) => orStop(nextBatch(batches, step)),
  };
}
