/**
 * Times many cases in turn: every round runs each of them, so that what the machine does meanwhile meets all alike.
 * @module
 */
import { SdmError } from "../lib/base/errors.ts";
import { formatFigure } from "../lib/base/format.ts";
import type { Gpu } from "../lib/gpu/device.ts";
import { type Command, submit, timeKernels } from "../lib/gpu/program.ts";
import { readSlices } from "../lib/gpu/readback.ts";
import { differenceMs, median, repeatsFor } from "./stats.ts";
import type { BenchCase } from "./types.ts";

/** How a device's clock is read. */
export interface Clock {
  /** Nanoseconds of a tick; absent where there are no timestamps or they make no sense. */
  tickNs?: number;
  /** In words. */
  method: string;
}

/** Something to time. */
export interface Timed {
  /** Commands of one run. */
  commands: readonly Command[];
}

/** Milliseconds on the host's clock until `n` runs have ended, with the wait for the answer. */
export async function wallMs(gpu: Gpu, commands: readonly Command[], n: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < n; i++) submit(gpu, commands);
  await gpu.device.queue.onSubmittedWorkDone();
  const ms = performance.now() - started;
  gpu.check();
  return ms;
}

/**
 * Milliseconds of one run on the host's clock, from the difference of `n` and `2n` runs. Where others held up the shorter
 * ones for longer, all of the longer ones count: that includes the wait for the answer.
 */
export async function runMs(gpu: Gpu, commands: readonly Command[], n: number): Promise<number> {
  const once = await wallMs(gpu, commands, n), twice = await wallMs(gpu, commands, 2 * n);
  return twice > once ? differenceMs(once, twice, n) : twice / (2 * n);
}

/** Clocks of the adapters of this process, by name. */
const clocks = new Map<string, Clock>();

/**
 * Compares the device's ticks with the host's clock over work of some 100 ms: the unit of a tick is the device's own
 * and nobody tells it. About a nanosecond is taken for exactly one. Once an adapter.
 */
export async function calibrate(gpu: Gpu, work: readonly Command[]): Promise<Clock> {
  const known = clocks.get(gpu.facts.name);
  if (known) return known;
  const clock = await compareClocks(gpu, work);
  clocks.set(gpu.facts.name, clock);
  return clock;
}

async function compareClocks(gpu: Gpu, work: readonly Command[]): Promise<Clock> {
  const differences: Clock = { method: "host clock, n against 2n runs" };
  if (!gpu.facts.timestamps) return differences;
  const n = await runsFor(gpu, work, 100);
  const ratios: number[] = [];
  for (let i = 0; i < 3; i++) {
    const ms = await runMs(gpu, work, n);
    const times = await timeKernels(gpu, Array.from({ length: n }, () => work).flat());
    ratios.push(ms * n * 1e6 / times.reduce((sum, t) => sum + t.ticks, 0));
  }
  const tickNs = median(ratios);
  if (!(tickNs > 1e-2 && tickNs < 1e4)) return differences;
  const snapped = tickNs > 0.4 && tickNs < 2.5 ? 1 : tickNs;
  return { tickNs: snapped, method: `timestamp queries, ${formatFigure(snapped, 3)} ns a tick` };
}

/** How often to run commands until the host waits `target` ms or more: found by doubling, so never far too often. */
async function runsFor(gpu: Gpu, commands: readonly Command[], target: number): Promise<number> {
  for (let n = 1; n < 256; n *= 2) if (await wallMs(gpu, commands, n) >= target) return n;
  return 256;
}

/** Milliseconds of one run of each thing, all in one submission where there are timestamps. */
async function round(
  gpu: Gpu,
  clock: Clock,
  things: readonly Timed[],
  repeats: readonly number[],
): Promise<number[]> {
  const { tickNs } = clock;
  if (tickNs === undefined) {
    const out: number[] = [];
    for (const [i, { commands }] of things.entries()) {
      out.push(await runMs(gpu, commands, repeats[i]));
    }
    return out;
  }
  const program = things.flatMap(({ commands }, i) => {
    const marked = commands.map((c): Command => "kind" in c ? c : { ...c, kernel: `${i}` });
    return Array.from({ length: repeats[i] }, () => marked).flat();
  });
  const times = new Map((await timeKernels(gpu, program)).map((t) => [t.kernel, t.ticks]));
  gpu.check();
  return things.map((_, i) => (times.get(`${i}`) ?? NaN) * tickNs / 1e6 / repeats[i]);
}

/** How often each thing runs in a round: short ones more than once. */
async function repeatsOf(gpu: Gpu, clock: Clock, things: readonly Timed[]): Promise<number[]> {
  if (clock.tickNs !== undefined) {
    const first = await round(gpu, clock, things, things.map(() => 1));
    return first.map((ms) => repeatsFor(ms, 2, 32));
  }
  const repeats: number[] = [];
  for (const { commands } of things) repeats.push(await runsFor(gpu, commands, 40));
  return repeats;
}

/** Milliseconds of one run of each thing in each round: [thing][round]. */
export async function timeRounds(
  gpu: Gpu,
  clock: Clock,
  things: readonly Timed[],
  rounds: number,
  progress: (round: number) => void = () => {},
): Promise<number[][]> {
  const repeats = await repeatsOf(gpu, clock, things);
  const out: number[][] = things.map(() => []);
  for (let r = 0; r < rounds; r++) {
    progress(r);
    const times = await round(gpu, clock, things, repeats);
    times.forEach((ms, i) => out[i].push(ms));
  }
  return out;
}

/** Bytes of an output that are looked at. */
const CHECKED_BYTES = 1 << 20;

/**
 * Runs every case once, which compiles its pipelines, and looks at what came out.
 * @throws SdmError for an output that cannot be right: nothing fast but wrong is recorded
 */
export async function verifyCases(
  gpu: Gpu,
  cases: readonly (BenchCase & { stem: string })[],
): Promise<void> {
  for (const { commands } of cases) submit(gpu, commands);
  const answers = await readSlices(
    gpu,
    cases.map(({ output }) => ({ buffer: output, size: Math.min(output.size, CHECKED_BYTES) })),
  );
  cases.forEach((c, i) => {
    const floats = new Float32Array(answers[i]), words = new Uint32Array(answers[i]);
    const fault = (c.type ?? "f32") === "f32" ? floatFault(floats) : undefined;
    const wrong = fault ?? c.check?.(floats, words);
    if (wrong) {
      const name = [c.stem, c.shape, c.variant].filter(Boolean).join(" ");
      throw new SdmError(`Cannot time "${name}": ${wrong}, a plausible output is needed`);
    }
  });
}

function floatFault(floats: Float32Array): string | undefined {
  const bad = floats.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) return `number ${bad} of its output is ${floats[bad]}`;
  return floats.every((v) => v === 0) ? "its output is all zero" : undefined;
}
