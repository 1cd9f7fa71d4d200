/**
 * Results as text for a terminal; pure.
 * @module
 */
import { formatBytes, formatCount, formatFigure, formatSeconds } from "../lib/base/format.ts";
import { type Column, renderTable } from "../lib/report/terminal.ts";
import type { Comparison } from "./stats.ts";
import type {
  Ceilings,
  HarvestResult,
  KernelResult,
  Machine,
  StartupResult,
  StepResult,
  TrainShape,
} from "./types.ts";

const left = (title: string): Column => ({ title });
const right = (title: string): Column => ({ title, align: "right" });
const percent = (share: number) => `${formatFigure(100 * share, 2)} %`;
const ms = (value: number) => formatFigure(value, 3);

function shapeText({ rows, d, latents, k }: TrainShape): string {
  return `B ${rows}, d ${d}, F ${latents}, k ${k}`;
}

/** A load average above this share of the cores makes times doubtful. */
const BUSY = 0.5;

/** What to say about a machine that does other work as well; nothing when it is quiet. */
export function loadWarning(load: number, cores: number): string | undefined {
  if (load <= BUSY * cores) return undefined;
  return `Warning: the load average is ${
    load.toFixed(1)
  } on ${cores} cores: others use this machine, ` +
    `so trust ratios within this run and not single times`;
}

/** The first lines of a run. */
export function machineText(machine: Machine): string {
  return renderTable([
    ["adapter", machine.adapter + (machine.software ? " (computes on the CPU)" : "")],
    ["machine", `${machine.cores} cores, ${machine.system}, Deno ${machine.deno}`],
    ["times", machine.method],
  ], [left(""), left("")]);
}

/** What the adapter can do at best. */
export function ceilingsText(c: Ceilings): string {
  return renderTable([
    ["multiply-adds", `${formatFigure(c.gflops, 3)} GFLOP/s`],
    ...c.loads.map(({ size, gbs }) => [
      `vec4 loads, ${formatBytes(size)}`,
      `${formatFigure(gbs, 3)} GB/s`,
    ]),
    ["copy, both ways", `${formatFigure(c.copyGbs, 3)} GB/s`],
    ["empty dispatch", `${formatFigure(1000 * c.launchMs, 3)} µs`],
  ], [left("ceiling"), right("reached")]);
}

/** The table of kernels. */
export function kernelsText(kernels: readonly KernelResult[]): string {
  const rows = kernels.map((k) => [
    k.stem,
    k.variant ? `${k.shape}, ${k.variant}` : k.shape,
    ms(k.medianMs),
    ms(k.minMs),
    percent(k.spread),
    formatFigure(k.gflops, 3),
    formatFigure(k.gbs, 3),
    percent(k.share),
    k.bound,
  ]);
  return renderTable(rows, [
    left("kernel"),
    left("shape"),
    right("median ms"),
    right("min ms"),
    right("spread"),
    right("GFLOP/s"),
    right("GB/s"),
    right("roofline"),
    left("bound by"),
  ]);
}

/** Steps of one shape, and the share of each kernel in them side by side. */
export function stepsText(steps: readonly StepResult[]): string {
  const names = steps.map((s) => s.variant ?? (s.dead > 0 ? `${s.dead} dead` : "none dead"));
  const facts = (title: string, of: (s: StepResult) => string) => [title, ...steps.map(of)];
  const head = renderTable([
    facts("step, median ms", (s) => ms(s.medianMs)),
    facts("step, min ms", (s) => ms(s.minMs)),
    facts("spread", (s) => percent(s.spread)),
    facts("times the first, a round", (s) => s.ratio?.toFixed(2) ?? ""),
    facts("tokens/s", (s) => formatCount(s.tokensPerSecond)),
    facts("kernels alone, ms", (s) => s.kernelMs === undefined ? "n/a" : ms(s.kernelMs)),
    facts("buffers", (s) => formatBytes(s.peakBytes)),
  ], [left(shapeText(steps[0].shape)), ...names.map(right)]);
  const kernels = [...new Set(steps.flatMap((s) => s.shares.map((k) => k.kernel)))];
  const share = (s: StepResult, kernel: string) =>
    s.shares.find((k) => k.kernel === kernel)?.share ?? 0;
  const rows = kernels.filter((k) => steps.some((s) => share(s, k) >= 0.001)).map((kernel) => [
    kernel,
    ...steps.map((s) => percent(share(s, kernel))),
  ]);
  if (rows.length === 0) return head;
  const table = renderTable(rows, [left("share of time"), ...names.map(right)]);
  return `${head}\n\n${table}`;
}

/** Start-up of a run. */
export function startupText(s: StartupResult): string {
  const total = s.openSeconds + s.buildSeconds + s.firstStepSeconds;
  return renderTable([
    ["open the adapter", formatSeconds(s.openSeconds)],
    ["first values, buffers, upload", formatSeconds(s.buildSeconds)],
    ["first step, compiles", formatSeconds(s.firstStepSeconds)],
    ["from nothing to the first step done", formatSeconds(total)],
    ["second step", formatSeconds(s.secondStepSeconds)],
    ["buffers on the device", formatBytes(s.peakBytes)],
  ], [left(`start-up, ${shapeText(s.shape)}`), right("")]);
}

/** Harvest by runner. */
export function harvestText(results: readonly HarvestResult[]): string {
  const rows = results.map((r) =>
    r.tokensPerSecond === undefined ? [r.runner, "", "", "", r.trouble ?? ""] : [
      r.runner,
      ms(r.medianMs),
      percent(r.spread),
      formatCount(r.tokensPerSecond),
      "",
    ]
  );
  return renderTable(rows, [
    left(`harvest, ${results[0]?.tokens ?? 0} tokens a call`),
    right("median ms"),
    right("spread"),
    right("tokens/s"),
    left(""),
  ]);
}

/** Kernels against an earlier run. */
export function comparisonText(compared: readonly Comparison[]): string {
  const ratio = (value: number) => Number.isNaN(value) ? "" : value.toFixed(2);
  const rows = compared.map((c) => [
    c.name,
    ratio(c.ratio),
    ratio(c.minRatio),
    c.machine > 1 ? ratio(c.machine) : "",
    c.verdict,
  ]);
  return renderTable(rows, [
    left("now / before"),
    right("median"),
    right("min"),
    right("machine"),
    left("verdict"),
  ]);
}
