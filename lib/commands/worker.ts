/**
 * The worker that owns the GPU. The GPU's waits block a thread in Deno, so that the terminal and Ctrl-C need another one.
 * @module
 */
/// <reference lib="deno.worker" />
import { portableError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

let stopping = new AbortController();
const say = (message: FromWorker) => self.postMessage(message);

async function work(message: Extract<ToWorker, { kind: "job" }>): Promise<unknown> {
  const onProgress: OnProgress = (event) => say({ kind: "progress", event });
  const hooks = { onProgress, signal: stopping.signal };
  switch (message.job) {
    case "train":
      return await (await import("../train/run.ts")).runTraining(message.request, hooks);
    case "plan":
      return await (await import("../train/forecast.ts")).forecastRun(message.request, hooks);
    case "evaluate":
      return await (await import("../report/evaluate.ts")).evaluateRun(message.request, hooks);
    case "report":
      return await (await import("../report/build.ts")).buildReport(message.request, hooks);
    case "convert":
      return await (await import("../report/convert.ts")).convertDictionary(message.request, hooks);
    case "compare":
      return await (await import("../report/compare.ts")).runCompare(message.request, hooks);
    case "synth":
      return await (await import("../report/synthetic.ts")).runSynthetic(message.request, hooks);
  }
}

self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "stop") return stopping.abort();
  stopping = new AbortController();
  try {
    say({ kind: "done", result: await work(data) });
  } catch (error) {
    say({ kind: "failed", error: portableError(error) });
  }
};
