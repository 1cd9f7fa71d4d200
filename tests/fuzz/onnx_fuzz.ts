/**
 * Throws damaged ONNX files at what opens, resolves, taps and cuts models.
 *
 *     deno run -A tests/fuzz/onnx_fuzz.ts [cases] [seed] [seconds]
 *     deno run -A tests/fuzz/onnx_fuzz.ts --case <number> [seed]
 *
 * A case either works or is refused with an SdmError, within two seconds and 512 MiB. The second form does one case again
 * and shows what it throws. Cases run in a worker, so that one that hangs is found too.
 * @module
 */
import { RandomStream } from "../../lib/base/random.ts";
import { SdmError } from "../../lib/base/errors.ts";
import { cutModel } from "../../lib/onnx/cut.ts";
import { describeModel } from "../../lib/onnx/describe.ts";
import { tapOutputs, tensorNames } from "../../lib/onnx/edit.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { findHookpoints } from "../../lib/onnx/hookpoints.ts";
import { tensorFloats } from "../../lib/onnx/tensors.ts";
import { readModel } from "../../lib/onnx/read.ts";
import { type Bytes, damaged, Draw, type Fixture, readFixtures } from "./onnx_damage.ts";

/** Longest time of a case. */
const LIMIT_MS = 6000;
/** Growth of the process within a case. */
const LIMIT_BYTES = 512 * 2 ** 20;
/** A worker that is silent for so long hangs. */
const HANG_MS = 30_000;
/** Cases that a worker does before it answers. */
const CHUNK = 50;

/** Lets only our own errors pass. */
function refused(error: unknown): string {
  if (error instanceof SdmError && !error.message.includes("\n")) return "refused";
  throw error;
}

function attempt(action: () => void): string {
  try {
    action();
    return "worked";
  } catch (error) {
    return refused(error);
  }
}

/** Everything that is done with a model before a runtime sees it. */
async function checkBytes(bytes: Bytes, draw: Draw, folder: string): Promise<string> {
  let model: ReturnType<typeof parseModel>;
  if (draw.chance(10)) {
    const path = `${folder}/fuzz.onnx`;
    await Deno.writeFile(path, bytes);
    const fromFile = await loadModel(path).then(() => "worked", refused);
    const fromBytes = attempt(() => parseModel(bytes, "fuzz"));
    if (fromFile !== fromBytes) throw new Error(`from a file ${fromFile}, from bytes ${fromBytes}`);
  }
  try {
    model = parseModel(bytes, "fuzz");
  } catch (error) {
    return refused(error);
  }
  const steps: string[] = [];
  const { hookpoints } = findHookpoints(model);
  steps.push(attempt(() => describeModel(model)));
  const names = tensorNames(model);
  const taps = [...hookpoints.map((point) => point.tensor), draw.pick(names), draw.pick(names)];
  const tapped = attempt(() => {
    const { bytes: written, model: lists } = tapOutputs(model, taps);
    parseModel(written, "tapped");
    const again = readModel(written, "tapped");
    if (again.nodes.length !== lists.nodes.length) throw new Error("a node was lost in writing");
  });
  steps.push(tapped);
  const wanted = model.outputs[0]?.name;
  if (wanted !== undefined) {
    steps.push(attempt(() => cutModel(model, { replace: [draw.pick(taps)], wanted: [wanted] })));
  }
  for (const tensor of [...model.initializers.values()].slice(0, 3)) {
    steps.push(attempt(() => tensorFloats(model, tensor)));
  }
  return hookpoints.length > 0 ? "hookpoints" : steps.includes("refused") ? "in part" : "read";
}

/** What a worker answers for one chunk. */
interface Answer {
  outcomes: string[];
  failures: { n: number; what: string }[];
  at: number;
}

async function doCase(
  fixtures: readonly Fixture[],
  seed: number,
  n: number,
  folder: string,
): Promise<string> {
  const draw = new Draw(new RandomStream(seed, "onnx fuzz"), n);
  const bytes = damaged(fixtures, draw);
  const started = performance.now(), before = Deno.memoryUsage().rss;
  const outcome = await checkBytes(bytes, draw, folder);
  const took = performance.now() - started, grown = Deno.memoryUsage().rss - before;
  if (took > LIMIT_MS) throw new Error(`${took.toFixed(0)} ms`);
  if (grown > LIMIT_BYTES) throw new Error(`${(grown / 2 ** 20).toFixed(0)} MiB more`);
  return outcome;
}

/** The worker's side. */
function serve(): void {
  const scope = self as unknown as DedicatedWorkerGlobalScope;
  const fixtures = readFixtures();
  const folder = Deno.makeTempDirSync();
  scope.onmessage = async ({ data }: MessageEvent<{ seed: number; from: number; to: number }>) => {
    const answer: Answer = { outcomes: [], failures: [], at: data.to };
    for (let n = data.from; n < data.to; n++) {
      try {
        answer.outcomes.push(await doCase(fixtures, data.seed, n, folder));
      } catch (error) {
        const stack = error instanceof Error ? error.stack ?? error.message : String(error);
        answer.failures.push({ n, what: stack.split("\n").slice(0, 4).join("\n  ") });
      }
    }
    scope.postMessage(answer);
  };
}

/** Asks the worker; undefined when it hangs or dies. */
function ask(worker: Worker, message: unknown): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), HANG_MS);
    const done = (answer?: Answer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    worker.onmessage = (event: MessageEvent<Answer>) => done(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      done();
    };
    worker.postMessage(message);
  });
}

async function main(cases: number, seed: number, seconds: number): Promise<number> {
  const start = () => new Worker(import.meta.url, { type: "module", name: "fuzz" });
  let worker = start();
  const until = performance.now() + 1000 * seconds;
  const counts = new Map<string, number>();
  let failed = 0, done = 0;
  const report = (what: string, n: number) => {
    if (++failed <= 20) console.log(`case ${n}, seed ${seed}: ${what}`);
  };
  while (done < cases && performance.now() < until) {
    const to = Math.min(done + CHUNK, cases);
    const answer = await ask(worker, { seed, from: done, to });
    if (answer) {
      for (const outcome of answer.outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      for (const { n, what } of answer.failures) report(what, n);
    } else {
      report(`it or one of the ${CHUNK - 1} behind it hangs or ends the process`, done);
      worker.terminate();
      worker = start();
    }
    done = to;
  }
  worker.terminate();
  const list = [...counts].sort((a, b) => b[1] - a[1]).map(([what, count]) => `${what} ${count}`);
  console.log(`outcomes of ${done} cases with seed ${seed}: ${list.join(", ")}`);
  console.log(`${done - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

// A worker's module is a main module too.
if (typeof Reflect.get(globalThis, "WorkerGlobalScope") === "undefined") {
  const [first = "20000", second = "0", third = "120"] = Deno.args;
  if (first === "--case") {
    const draw = [readFixtures(), Number(third === "120" ? 0 : third), Number(second)] as const;
    console.log(await doCase(...draw, Deno.makeTempDirSync()));
  } else Deno.exit(await main(Number(first), Number(second), Number(third)));
} else serve();
