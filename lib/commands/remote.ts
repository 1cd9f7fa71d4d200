/**
 * Runs jobs in the worker that owns the GPU: one worker for the life of the program, one job at a time.
 *
 * The worker is not ended before the program is: as its thread ends, the graphics drivers are unloaded, and a process that
 * exits meanwhile runs the same drivers' exit handlers and crashes. {@link releaseGpuWorker} is for programs that go on.
 * @module
 */
import { reviveError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import type { FromWorker, Jobs, ToWorker } from "./messages.ts";
import { spawnGpuWorker } from "./spawn.ts";

/** How a job speaks with its caller. */
export interface JobHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a clean stop. */
  signal?: AbortSignal;
}

/** Milliseconds in which the thread of a worker ends; nothing tells when it has. */
const GRACE = 300;

let worker: Worker | undefined;

/**
 * Runs one job; the caller waits for its end before it asks for another.
 * @throws whatever the job throws, of the same class
 */
export async function runJob<J extends keyof Jobs>(
  job: J,
  request: Jobs[J]["request"],
  { onProgress, signal }: JobHooks,
): Promise<Jobs[J]["result"]> {
  const owner = worker ??= spawnGpuWorker();
  const say = (message: ToWorker) => owner.postMessage(message);
  const stop = () => say({ kind: "stop" });
  try {
    return await new Promise<Jobs[J]["result"]>((resolve, reject) => {
      owner.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "progress") onProgress(data.event);
        else if (data.kind === "failed") reject(reviveError(data.error));
        else resolve(data.result as Jobs[J]["result"]);
      };
      owner.onerror = (event) => {
        event.preventDefault();
        worker = undefined;
        reject(new Error(`The worker ended: ${event.message}`));
      };
      signal?.addEventListener("abort", stop);
      say({ kind: "job", job, request } as ToWorker);
      if (signal?.aborted) stop();
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Ends the worker, so that a program that only used the library can end by itself. */
export async function releaseGpuWorker(): Promise<void> {
  worker?.terminate();
  worker = undefined;
  await new Promise((resolve) => setTimeout(resolve, GRACE));
}
