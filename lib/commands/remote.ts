/**
 * Runs a job in the worker that owns the GPU.
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

/**
 * Runs one job and closes its worker.
 * @throws whatever the job throws, of the same class
 */
export async function runJob<J extends keyof Jobs>(
  job: J,
  request: Jobs[J]["request"],
  { onProgress, signal }: JobHooks,
): Promise<Jobs[J]["result"]> {
  const worker = spawnGpuWorker();
  const say = (message: ToWorker) => worker.postMessage(message);
  const stop = () => say({ kind: "stop" });
  try {
    return await new Promise<Jobs[J]["result"]>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "progress") onProgress(data.event);
        else if (data.kind === "failed") reject(reviveError(data.error));
        else resolve(data.result as Jobs[J]["result"]);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`The worker ended: ${event.message}`));
      };
      signal?.addEventListener("abort", stop);
      say({ kind: "job", job, request } as ToWorker);
      if (signal?.aborted) stop();
    });
  } finally {
    signal?.removeEventListener("abort", stop);
    worker.terminate();
  }
}
