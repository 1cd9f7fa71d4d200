/**
 * What a run will need, before it is started: memory from its shapes, time from a probe.
 * @module
 */
import { OutOfMemoryError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import type { OnProgress } from "../base/progress.ts";
import { FAMILIES } from "../config/families.ts";
import { resolveDefaults } from "../config/resolve.ts";
import type { Config, ResolvedConfig } from "../config/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { type DeviceFacts, MINIMAL_FACTS } from "../gpu/facts.ts";
import { knownData, rowWidth, textFacts } from "./data_facts.ts";
import { type DryRun, dryRun } from "./dry_run.ts";
import { type DataFacts, forecastDisk, forecastHost } from "./forecast_sizes.ts";
import type { Forecast, HostForecast, TimeForecast, Trouble } from "./forecast_types.ts";
import { deviceBlocksOf, openTrainInputs } from "./inputs.ts";
import { paceSeconds } from "./pace.ts";
import { blockRowsOf, stepsOf } from "./plan.ts";
import { probeBatches, probeConfig, type ProbeFigures, runProbe, textMeter } from "./probe.ts";
import { openTunedGpu } from "./tuned_gpu.ts";

/** What is planned. */
export interface ForecastRequest {
  /** The checked configuration. */
  config: Config;
  /** Steps to try on the device; 0 opens no device and runs no model. */
  probeSteps: number;
  /** Bytes that a binding may have, in place of what the adapter says. */
  bindingBytes?: number;
}

/** How a plan speaks with its caller. */
export interface ForecastHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop. */
  signal?: AbortSignal;
}

/** A device that was not opened: as little as WebGPU promises, but buffers as large as they are everywhere. */
function assumedFacts(config: Config, bindingBytes?: number): DeviceFacts {
  const maxBindingBytes = bindingBytes ?? config.gpu.max_binding_bytes ??
    MINIMAL_FACTS.maxBindingBytes;
  return {
    ...MINIMAL_FACTS,
    name: "an assumed adapter",
    maxBindingBytes,
    maxBufferBytes: Math.max(2 ** 31, maxBindingBytes),
  };
}

/**
 * Plans a run.
 * @throws SdmError for bad input, and when it is stopped
 */
export async function forecastRun(
  request: ForecastRequest,
  hooks: ForecastHooks,
): Promise<Forecast> {
  const { config, probeSteps, bindingBytes } = request;
  if (probeSteps === 0) {
    const { widths, data } = await knownData(config);
    const resolved = resolveDefaults(config, widths);
    return await assemble({ config: resolved, data, facts: assumedFacts(config, bindingBytes) });
  }
  const max_binding_bytes = bindingBytes ?? config.gpu.max_binding_bytes;
  const gpu = await openTunedGpu(
    { ...config.gpu, max_binding_bytes },
    hooks.onProgress,
    hooks.signal,
  );
  try {
    return await withProbe(request, gpu, hooks);
  } finally {
    gpu.close();
  }
}

/** What a forecast is put together from. */
interface Known {
  config: ResolvedConfig;
  data: DataFacts;
  facts: DeviceFacts;
  /** Tries the run on the device, once it is known to fit. */
  probe?(dry: DryRun, folder: string): Promise<Probed>;
}

/** A probe and what went before it. */
interface Probed {
  figures: ProbeFigures;
  /** Tokens of text that are in memory in the probe. */
  tokens: number;
  /** Seconds until the data was open, reading text apart. */
  openSeconds: number;
  /** Tokens of text a second. */
  textRate: number;
}

async function withProbe(
  { config, probeSteps }: ForecastRequest,
  gpu: Gpu,
  { onProgress, signal }: ForecastHooks,
): Promise<Forecast> {
  const small = probeConfig(config);
  const text = textMeter(onProgress);
  const began = performance.now();
  const inputs = await openTrainInputs(small, probeBatches(config), {
    onProgress: text.onProgress,
    signal,
  }, gpu);
  try {
    const textRate = text.rate();
    const { tokens } = await textFacts(small);
    const spent = (performance.now() - began) / 1000;
    const openSeconds = Math.max(0, spent - (textRate > 0 ? tokens / textRate : 0));
    const { widths, deviceBlocks, batches: { batchesPerEpoch } } = inputs;
    return await assemble({
      config: resolveDefaults(config, widths),
      data: {
        width: rowWidth(config, widths),
        ...await textFacts(config),
        // Of a text only as much was read as a probe needs.
        ...config.data.activations !== undefined && { batchesPerEpoch },
        ...deviceBlocks && {
          blocks: deviceBlocksOf(config, blockRowsOf(config), inputs.batches.points),
        },
      },
      facts: gpu.facts,
      probe: async (dry, folder) => ({
        figures: await runProbe(gpu, inputs, resolveDefaults(config, widths), {
          steps: probeSteps,
          dry,
          folder,
          onProgress,
          signal,
        }),
        tokens,
        openSeconds,
        textRate,
      }),
    });
  } finally {
    await inputs.close();
  }
}

async function assemble({ config, data, facts, probe }: Known): Promise<Forecast> {
  const { dictionary, train } = config;
  const forecast: Forecast = {
    type: dictionary.type,
    d_in: dictionary.d_in,
    d_out: dictionary.d_out ?? dictionary.d_in,
    d_sae: dictionary.d_sae,
    layers: dictionary.n_layers ?? 1,
    batch_tokens: train.batch_tokens,
    training_tokens: train.training_tokens,
    steps: stepsOf(config),
    assumed: probe === undefined,
    trouble: [],
  };
  let dry: DryRun;
  try {
    dry = await dryRun(facts, config, data);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    forecast.trouble.push({ message: error.message, advice: await smaller(facts, config, data) });
    return forecast;
  }
  forecast.gpu = dry.gpu;
  forecast.host = forecastHost(config, dry, data, facts.software);
  forecast.disk = await forecastDisk(config, dry, data);
  forecast.trouble.push(...troubleOf(forecast, config));
  if (!probe || forecast.trouble.length > 0) return forecast;
  const probed = await probe(dry, forecast.disk.folder);
  forecast.time = timeOf(config, data, probed);
  forecast.host = measuredHost(config, data, forecast.host, {
    probed,
    software: facts.software,
  });
  forecast.trouble.push(...troubleOf(forecast, config));
  return forecast;
}

/** A batch with which the run can be built on the device. */
async function smaller(
  facts: DeviceFacts,
  config: ResolvedConfig,
  data: DataFacts,
): Promise<string> {
  const { sequences } = FAMILIES[config.dictionary.type];
  const unit = sequences ? config.data.context_size : 1;
  for (let rows = config.train.batch_tokens / 2; rows >= Math.max(unit, 16); rows /= 2) {
    const batch_tokens = Math.floor(rows / unit) * unit;
    try {
      await dryRun(facts, { ...config, train: { ...config.train, batch_tokens } }, data);
      return `--batch-tokens ${batch_tokens} fits`;
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
    }
  }
  return "no batch fits: lower --d-sae or --k";
}

/** The process as it was measured, with what a whole run has more of. */
function measuredHost(
  config: ResolvedConfig,
  { width, tokens, blocks }: DataFacts,
  host: HostForecast,
  { probed: { figures, tokens: fewer }, software }: { probed: Probed; software: boolean },
): HostForecast {
  const rows = probeBatches(config) * config.train.batch_tokens;
  const parts = [
    { name: "measured in the probe", bytes: figures.rss },
    {
      name: "larger blocks of activations",
      bytes: blocks && !software ? 0 : 2 * (blockRowsOf(config) - rows) * width * 4,
    },
    { name: "more token ids", bytes: (tokens - fewer) * 8 },
  ].filter(({ bytes }) => bytes > 0);
  const rss_bytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const available = host.available_bytes;
  return {
    rss_bytes,
    parts,
    // What was there before the probe took its part.
    ...available !== undefined && { available_bytes: available },
  };
}

/** Time of the run from what was measured. */
function timeOf(config: ResolvedConfig, data: DataFacts, probed: Probed): TimeForecast {
  const { pace, checkpointSeconds, initialSeconds, steps } = probed.figures;
  const block = blockRowsOf(config);
  const rows = stepsOf(config) * config.train.batch_tokens;
  const spent = paceSeconds(pace, rows, block);
  const text = probed.textRate > 0 ? data.tokens / probed.textRate : 0;
  const first = Math.min(block, rows) / pace.alone.model;
  const start_seconds = probed.openSeconds + text + first + initialSeconds;
  const checkpoints = Math.ceil(stepsOf(config) / config.train.save_every);
  const checkpoint_seconds = checkpoints * checkpointSeconds;
  return {
    probe_steps: steps,
    model_tokens_per_second: pace.alone.model,
    dictionary_tokens_per_second: pace.alone.dictionary,
    together: {
      model_tokens_per_second: pace.together.model,
      dictionary_tokens_per_second: pace.together.dictionary,
    },
    start_seconds,
    training_seconds: spent.seconds,
    checkpoint_seconds,
    total_seconds: start_seconds + spent.seconds + checkpoint_seconds,
    dictionary_waits_seconds: spent.dictionaryWaits,
    model_waits_seconds: spent.modelWaits,
    ...data.blocks && { model_turns_seconds: Math.max(0, rows - block) / pace.alone.model },
  };
}

/** What to change where memory does not suffice: what takes most of it decides. */
function memoryAdvice({ parts }: HostForecast): string {
  const { name } = parts.reduce((a, b) => b.bytes > a.bytes ? b : a);
  if (name.includes("blocks")) return "lower --buffer-tokens";
  if (name.includes("token ids")) return "lower --max-tokens";
  if (name.includes("language model")) return "a smaller or quantised model";
  if (name.includes("adapter")) return "lower --d-sae, or an adapter with memory of its own";
  return "lower --d-sae";
}

/** What does not fit the machine. */
function troubleOf({ host, disk }: Forecast, config: ResolvedConfig): Trouble[] {
  const trouble: Trouble[] = [];
  if (host?.available_bytes !== undefined && host.rss_bytes > host.available_bytes) {
    trouble.push({
      message: `Memory does not suffice: the process takes ${formatBytes(host.rss_bytes)}, ` +
        `${formatBytes(host.available_bytes)} are available`,
      advice: memoryAdvice(host),
    });
  }
  if (disk?.free_bytes !== undefined && disk.peak_bytes > disk.free_bytes) {
    const [kept] = disk.parts;
    const { keep_checkpoints } = config.train;
    const fewer = disk.peak_bytes - kept.bytes * (1 - 2 / (keep_checkpoints + 1));
    const helps = keep_checkpoints > 1 && fewer <= disk.free_bytes;
    trouble.push({
      message: `The disk does not suffice: the run takes ${formatBytes(disk.peak_bytes)} in ` +
        `"${disk.folder}", ${formatBytes(disk.free_bytes)} are free`,
      advice: helps ? "--keep-checkpoints 1" : "another --output-path, or lower --d-sae",
    });
  }
  return trouble;
}
