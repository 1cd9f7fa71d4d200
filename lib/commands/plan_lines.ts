/**
 * A plan as text.
 * @module
 */
import { formatBytes, formatCount, formatSeconds } from "../base/format.ts";
import type {
  Amount,
  DiskForecast,
  Forecast,
  GpuForecast,
  HostForecast,
  SplitTensor,
  TimeForecast,
} from "../train/forecast_types.ts";
import type { Style } from "./terminal/style.ts";
import { factLines } from "./terminal/table.ts";

type Fact = [string, string];

/** Buffers of the workspace that are named; the others are summed. */
const NAMED = 5;

const PHASES = {
  start: "while first weights are made",
  training: "while training",
  checkpoint: "while a checkpoint is read back",
  finish: "while thresholds are measured at the end",
} as const;

function listed(amounts: readonly Amount[]): string {
  return amounts.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(", ");
}

/** `grad W_dec, W_dec: 384 MiB in 4 buffers each`, a line for tensors that are cut alike. */
function splitTexts(splits: readonly SplitTensor[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { tensor, bytes, buffers } of splits) {
    const how = `${formatBytes(bytes)} in ${buffers} buffers`;
    groups.set(how, [...groups.get(how) ?? [], tensor]);
  }
  return [...groups].map(([how, tensors]) =>
    `${tensors.join(", ")}: ${how}${tensors.length > 1 ? " each" : ""}`
  );
}

function gpuFacts(gpu: GpuForecast, style: Style): Fact[] {
  const { workspace, splits } = gpu;
  const named = workspace.slice(0, NAMED);
  const rest = workspace.slice(NAMED).reduce((sum, { bytes }) => sum + bytes, 0);
  const shown = rest > 0 ? [...named, { name: "others", bytes: rest }] : named;
  const cuts = splitTexts(splits);
  const later = gpu.peak_phase === "training"
    ? ""
    : `, ${formatBytes(gpu.training_bytes)} ${PHASES.training}`;
  return [
    [
      "on the adapter",
      `${style.bold(formatBytes(gpu.peak_bytes))} ${PHASES[gpu.peak_phase]}${later}`,
    ],
    ...gpu.purposes.map(({ name, bytes }): Fact => [
      `  ${name}`,
      formatBytes(bytes) + (name === "workspace" ? `: ${listed(shown)}` : ""),
    ]),
    [
      "bindings",
      `${formatBytes(gpu.max_binding_bytes)} at most on ${gpu.adapter}; the largest buffer is ` +
      `${gpu.largest_buffer.name} with ${formatBytes(gpu.largest_buffer.bytes)}`,
    ],
    ...cuts.length > 0
      ? cuts.map((text, i): Fact => [i === 0 ? "cut over buffers" : "", text])
      : [["cut over buffers", "nothing"] as Fact],
  ];
}

function hostFacts(host: HostForecast, style: Style): Fact[] {
  const available = host.available_bytes === undefined
    ? ""
    : `, ${formatBytes(host.available_bytes)} available`;
  return [
    ["in main memory", `about ${style.bold(formatBytes(host.rss_bytes))}${available}`],
    ...host.parts.map(({ name, bytes }): Fact => [`  ${name}`, formatBytes(bytes)]),
  ];
}

function diskFacts(disk: DiskForecast, style: Style): Fact[] {
  const free = disk.free_bytes === undefined ? "" : `, ${formatBytes(disk.free_bytes)} free`;
  const facts: Fact[] = [
    ["on disk", `${style.bold(formatBytes(disk.peak_bytes))} in ${disk.folder}${free}`],
    ["", listed(disk.parts.filter(({ bytes }) => bytes > 0))],
  ];
  if (disk.store_bytes !== undefined) {
    facts.push(["", `harvested first, its activations take ${formatBytes(disk.store_bytes)}`]);
  }
  return facts;
}

function rate(tokens: number): string {
  return tokens >= 1e9 ? "no time" : `${formatCount(tokens)} tokens/s`;
}

/** Who waits for whom, and for how much of the time. */
export function waitingText(time: TimeForecast): string {
  const share = (seconds: number) =>
    `${Math.round(100 * seconds / Math.max(1e-9, time.training_seconds))} %`;
  const { dictionary_waits_seconds: dictionary, model_waits_seconds: model } = time;
  if (time.model_turns_seconds !== undefined) {
    return `the model takes ${share(time.model_turns_seconds)} of the time of the one device`;
  }
  return dictionary > model
    ? `the dictionary waits for activations ${share(dictionary)} of the time`
    : `the model waits for the dictionary ${share(model)} of the time`;
}

function timeFacts(time: TimeForecast, style: Style): Fact[] {
  const { together } = time;
  return [
    ["time", `${style.bold(formatSeconds(time.total_seconds))}, evaluation and report apart`],
    ["  start", `${formatSeconds(time.start_seconds)}: text, model, first block, first weights`],
    ["  training", `${formatSeconds(time.training_seconds)}; ${waitingText(time)}`],
    ["  checkpoints", formatSeconds(time.checkpoint_seconds)],
    ["activations", pair(time.model_tokens_per_second, together.model_tokens_per_second)],
    ["dictionary", pair(time.dictionary_tokens_per_second, together.dictionary_tokens_per_second)],
  ];
}

function pair(alone: number, together: number): string {
  return `${rate(alone)} alone, ${rate(together)} beside the other`;
}

/** What is said on the terminal. */
export function planLines(plan: Forecast, style: Style): string[] {
  const width = plan.d_in === plan.d_out ? `${plan.d_in}` : `${plan.d_in} to ${plan.d_out}`;
  const layers = plan.layers > 1 ? ` in each of ${plan.layers} layers` : "";
  const facts: Fact[] = [
    ["dictionary", `${plan.type}, ${plan.d_sae} latents of width ${width}${layers}`],
    [
      "run",
      `${formatCount(plan.training_tokens)} tokens, ${formatCount(plan.steps)} steps of ` +
      `${plan.batch_tokens}`,
    ],
  ];
  if (plan.gpu) facts.push(...gpuFacts(plan.gpu, style));
  if (plan.host) facts.push(...hostFacts(plan.host, style));
  if (plan.disk) facts.push(...diskFacts(plan.disk, style));
  if (plan.time) facts.push(...timeFacts(plan.time, style));
  const trouble = plan.trouble.flatMap(({ message, advice }) => [
    style.warn(`Does not fit. ${message}`),
    `Change: ${advice}`,
  ]);
  const verdict = trouble.length > 0
    ? trouble
    : [style.good(plan.time ? "This fits." : "This fits, as far as shapes tell.")];
  return [...factLines(facts, style), "", ...verdict];
}
