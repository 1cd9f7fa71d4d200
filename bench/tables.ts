/**
 * Results as text for a terminal; pure.
 * @module
 */
import { formatBytes, formatCount, formatFigure, formatSeconds } from "../lib/base/format.ts";
import { type Column, renderTable } from "../lib/report/terminal.ts";
import { type Comparison, encoderShare } from "./stats.ts";
import type {
  Ceilings,
  GapResult,
  HarvestResult,
  KernelResult,
  Machine,
  ScalingCurve,
  StartupResult,
  StepResult,
  TrainShape,
} from "./types.ts";

const left = (title: string): Column => ({ title });
const right = (title: string): Column => ({ title, align: "right" });
const percent = (share: number) => `${formatFigure(100 * share, 2)} %`;
const ms = (value: number) => formatFigure(value, 3);

/** Sizes of a shape in words. */
export function shapeText({ rows, d, latents, k }: TrainShape): string {
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

/** Headings of {@link kernelCells}. */
export const KERNEL_TITLES: readonly string[] = [
  "kernel",
  "shape",
  "median ms",
  "min ms",
  "spread",
  "GFLOP/s",
  "GB/s",
  "roofline",
  "bound by",
];

/** Cells of a kernel's line. */
export function kernelCells(k: KernelResult): string[] {
  return [
    k.stem,
    k.variant ? `${k.shape}, ${k.variant}` : k.shape,
    ms(k.medianMs),
    ms(k.minMs),
    percent(k.spread),
    formatFigure(k.gflops, 3),
    formatFigure(k.gbs, 3),
    percent(k.share),
    k.bound,
  ];
}

/** The table of kernels. */
export function kernelsText(kernels: readonly KernelResult[]): string {
  const words = ["kernel", "shape", "bound by"];
  const columns = KERNEL_TITLES.map((t) => words.includes(t) ? left(t) : right(t));
  return renderTable(kernels.map(kernelCells), columns);
}

/** Lines of a step beside its times: the same for TopK and for all families. */
function stepHead(steps: readonly StepResult[], ceilings?: Ceilings): string {
  const facts = (title: string, of: (s: StepResult) => string) => [title, ...steps.map(of)];
  const reached = (s: StepResult) => {
    const share = ceilings && encoderShare(s, ceilings);
    return share === undefined ? "" : percent(share);
  };
  return renderTable([
    facts("step, median ms", (s) => ms(s.medianMs)),
    facts("step, min ms", (s) => ms(s.minMs)),
    facts("spread", (s) => percent(s.spread)),
    facts("times the first, a round", (s) => s.ratio?.toFixed(2) ?? ""),
    facts("tokens/s", (s) => formatCount(s.tokensPerSecond)),
    facts("kernels alone, ms", (s) => s.kernelMs === undefined ? "n/a" : ms(s.kernelMs)),
    facts("scores and selection, of the FMA ceiling", reached),
    facts("active latents a row", (s) => formatFigure(s.l0, 3)),
    facts("buffers", (s) => formatBytes(s.peakBytes)),
  ], [left(shapeText(steps[0].shape)), ...steps.map((s) => right(s.name))]);
}

/** Steps of one shape, and the share of each kernel in them side by side. */
export function stepsText(steps: readonly StepResult[], ceilings?: Ceilings): string {
  const head = stepHead(steps, ceilings);
  const kernels = [...new Set(steps.flatMap((s) => s.shares.map((k) => k.kernel)))];
  const share = (s: StepResult, kernel: string) =>
    s.shares.find((k) => k.kernel === kernel)?.share ?? 0;
  const rows = kernels.filter((k) => steps.some((s) => share(s, k) >= 0.001)).map((kernel) => [
    kernel,
    ...steps.map((s) => percent(share(s, kernel))),
  ]);
  if (rows.length === 0) return head;
  const table = renderTable(rows, [
    left("share of time"),
    ...steps.map((s) => right(s.name)),
  ]);
  return `${head}\n\n${table}`;
}

/** The largest shares of a step as words: `encode_gemm 44 %, topk_merge 20 %`. */
export function largestShares({ shares }: StepResult, count: number): string {
  return shares.slice(0, count).map(({ kernel, share }) => `${kernel} ${percent(share)}`).join(
    ", ",
  );
}

/** Cells of a family's line. */
export function familyCells(s: StepResult): string[] {
  return [
    s.name,
    ms(s.medianMs),
    percent(s.spread),
    s.ratio?.toFixed(2) ?? "1",
    formatCount(s.tokensPerSecond),
    s.kernelMs === undefined ? "n/a" : ms(s.kernelMs),
    formatFigure(s.l0, 3),
    formatBytes(s.peakBytes),
    largestShares(s, 4),
  ];
}

/** Headings of {@link familyCells}. */
export const FAMILY_TITLES: readonly string[] = [
  "family",
  "median ms",
  "spread",
  "to topk",
  "tokens/s",
  "kernels ms",
  "L0",
  "buffers",
  "time by kernel",
];

/** Steps by the words of their shape, in order. */
export function byShape(steps: readonly StepResult[]): Map<string, StepResult[]> {
  const groups = new Map<string, StepResult[]>();
  for (const step of steps) {
    const words = shapeText(step.shape);
    groups.set(words, [...groups.get(words) ?? [], step]);
  }
  return groups;
}

/** A step of every family, one a line; ratios are to a plain step of the same shape. */
export function familiesText(steps: readonly StepResult[]): string {
  const columns = FAMILY_TITLES.map((title, i) =>
    i === 0 || i === FAMILY_TITLES.length - 1 ? left(title) : right(title)
  );
  return [...byShape(steps)].map(([words, own]) =>
    `${words}\n${renderTable(own.map(familyCells), columns)}`
  ).join("\n\n");
}

/** The training loop between its submissions. */
export function gapsText(gaps: readonly GapResult[]): string {
  const figure = (value: number | undefined, digits = 3) =>
    value === undefined ? "n/a" : formatFigure(value, digits);
  const rows = gaps.map((g) => [
    shapeText(g.shape),
    `${g.steps}`,
    figure(g.wallMs),
    figure(g.gpuMs),
    figure(g.gapMs),
    g.idleShare === undefined ? "n/a" : percent(g.idleShare),
    figure(g.hostMs),
  ]);
  return renderTable(rows, [
    left("training loop"),
    right("steps"),
    right("step ms"),
    right("computing ms"),
    right("gap ms"),
    right("adapter idle"),
    right("host ms"),
  ]);
}

/** Letter of what a curve varies. */
export const LETTERS: Readonly<Record<ScalingCurve["of"], string>> = {
  latents: "F",
  d: "d",
  k: "k",
  rows: "B",
};

/** An exponent with its standard error: `0.91 ± 0.02`. */
export function exponentText({ exponent, error }: ScalingCurve): string {
  return Number.isNaN(error) ? exponent.toFixed(2) : `${exponent.toFixed(2)} ± ${error.toFixed(2)}`;
}

/** Curves, one a line: points and exponent. */
export function scalingText(curves: readonly ScalingCurve[]): string {
  const rows = curves.map((c) => [
    LETTERS[c.of],
    shapeText(c.base),
    c.points.map(({ at, medianMs }) => `${at}: ${ms(medianMs)}`).join(", "),
    exponentText(c),
  ]);
  return renderTable(rows, [
    left("varies"),
    left("around"),
    left("step, median ms"),
    right("exponent"),
  ]);
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
    r.tokensPerSecond === undefined ? [r.runner, "", "", "", "", r.trouble ?? ""] : [
      r.runner,
      ms(r.medianMs),
      percent(r.spread),
      formatCount(r.tokensPerSecond),
      r.ratio?.toFixed(2) ?? "",
      r.baseline === undefined ? "" : `of ${r.baseline}`,
    ]
  );
  return renderTable(rows, [
    left(`harvest, ${results[0]?.tokens ?? 0} tokens a call`),
    right("median ms"),
    right("spread"),
    right("tokens/s"),
    right("ratio"),
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
