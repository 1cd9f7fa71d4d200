/**
 * Opens the device that a configuration asks for, with the variants of kernels that are fastest and right on it: found
 * once for every adapter and remembered.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { VERSION } from "../base/version.ts";
import type { Config } from "../config/types.ts";
import { cacheFolder, writeCached } from "../files/cache_folder.ts";
import { readJson } from "../files/documents.ts";
import { sha256 } from "../files/hash.ts";
import { type Gpu, openGpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { tune, type Tuned } from "../gpu/tune.ts";
import { TRIALS } from "../kernels/trials.ts";

/** What is remembered of an adapter. */
export interface RememberedTuning extends Tuned {
  /** Adapter's own description. */
  adapter: string;
  /** When it was found. */
  date: string;
}

/** Seconds to look for the fastest variants at most, beside compiling them. */
const SECONDS = 30;

/** The file of an adapter: another driver, another version of this program or other limits make another file. */
function fileOf(facts: DeviceFacts): string | undefined {
  const folder = cacheFolder();
  const { tuning: _, ...fixed } = facts;
  const key = sha256(JSON.stringify([VERSION, Deno.version.deno, Deno.build.os, fixed]));
  return folder && join(folder, "tuning", `${key.slice(0, 16)}.json`);
}

/** What is remembered of a device, if anything. */
export async function knownTuning(facts: DeviceFacts): Promise<RememberedTuning | undefined> {
  const path = fileOf(facts);
  if (path === undefined) return undefined;
  try {
    const found = await readJson(path, "tuning") as RememberedTuning;
    return typeof found?.tuning === "object" ? found : undefined;
  } catch {
    // What was never written or is damaged is found again.
    return undefined;
  }
}

async function remember(path: string | undefined, found: RememberedTuning): Promise<void> {
  if (path === undefined) return;
  try {
    await writeCached(path, found);
  } catch {
    // A folder that cannot be written to costs the next run some seconds, not its result.
  }
}

/**
 * Finds the fastest variants on a device and remembers them.
 * @throws SdmError when it is stopped, or the device is lost
 */
export async function findTuning(
  gpu: Gpu,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<RememberedTuning> {
  const stage = "try kernels";
  const found = await tune(gpu, TRIALS, {
    seconds: SECONDS,
    onKernel(done, total) {
      if (signal?.aborted) {
        throw new SdmError("Stopped while kernels were tried: nothing was written", {
          exitCode: 130,
        });
      }
      onProgress({ stage, done, total, unit: "kernels" });
    },
  });
  // On a lost device everything is wrong: that is not to be remembered.
  gpu.check();
  const remembered = { adapter: gpu.facts.name, date: new Date().toISOString(), ...found };
  await remember(fileOf(gpu.facts), remembered);
  return remembered;
}

/** Tells of variants that an adapter computes wrongly. */
function tellFaults({ faults, tuning }: Tuned, onProgress: OnProgress): void {
  for (const { kernel, variant, fault } of faults) {
    const stage = `kernel ${kernel} is wrong as "${variant}" here (${fault}), ` +
      `"${tuning[kernel]}" is used`;
    onProgress({ stage, done: 1, total: 1, unit: "kernels" });
  }
}

/**
 * Opens the device of a configuration.
 *
 * With `gpu.autotune = "auto"` what is remembered of the adapter is used, and an adapter that nothing is known of is
 * tried first, unless it computes on the CPU: the untuned choice was measured on one of those.
 * @throws SdmError when there is no adapter, and when trying variants is stopped
 */
export async function openTunedGpu(
  { power_preference, max_binding_bytes, subgroups, autotune }: Config["gpu"],
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<Gpu> {
  const gpu = await openGpu({
    powerPreference: power_preference,
    maxBindingBytes: max_binding_bytes,
    subgroups,
  });
  if (autotune === "off") return gpu;
  try {
    const known = await knownTuning(gpu.facts);
    if (known === undefined && gpu.facts.software) return gpu;
    const found = known ?? await findTuning(gpu, onProgress, signal);
    tellFaults(found, onProgress);
    return { ...gpu, facts: { ...gpu.facts, tuning: found.tuning } };
  } catch (error) {
    gpu.close();
    throw error;
  }
}
