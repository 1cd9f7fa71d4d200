/**
 * A training run that is made once: what is finished stays, what was stopped goes on.
 * @module
 */
import { join } from "node:path";
import { SdmError } from "../base/errors.ts";
import { resolveDefaults } from "../config/resolve.ts";
import type { Config, ResolvedConfig } from "../config/types.ts";
import { exists, readJson } from "../files/documents.ts";
import { checkpointSteps } from "../train/checkpoint.ts";
import { configSha256, readManifest, type RunManifest } from "../train/manifest.ts";
import { runTraining, type TrainHooks } from "../train/run.ts";

/** How a run is made. */
export interface RunOptions {
  /** Whether an earlier run in the folder is removed, whatever it is. */
  overwrite: boolean;
  /** Opens the data; what the configuration names when absent. */
  open?: Parameters<typeof runTraining>[2];
}

/** Whether a run's folder holds a run of this configuration. */
async function isSame(path: string, manifest: RunManifest, config: Config): Promise<boolean> {
  const saved = await readJson(join(path, "config.json"), "config") as ResolvedConfig;
  const { d_in, d_out, n_layers } = saved.dictionary;
  const resolved = resolveDefaults(config, {
    dIn: d_in,
    dOut: d_out,
    layers: n_layers,
    contextSize: saved.data.context_size,
  });
  return configSha256(resolved) === manifest.config_sha256;
}

/**
 * The manifest of the finished run of `config` in its folder; undefined when it was stopped and can go on.
 * @throws SdmError when the folder holds a run of another configuration, or for whatever training throws
 */
export async function finishedRun(
  config: Config,
  { overwrite, open }: RunOptions,
  hooks: TrainHooks,
): Promise<RunManifest | undefined> {
  const path = config.output_path;
  let resume = false;
  if (!overwrite && await exists(join(path, "manifest.json"))) {
    const manifest = await readManifest(path);
    if (!await isSame(path, manifest, config)) {
      throw new SdmError(
        `Cannot go on with "${path}": it holds a run of another configuration, the same is needed`,
        { hint: "--overwrite trains anew, or give another --output-path" },
      );
    }
    if (manifest.finished) return manifest;
    resume = (await checkpointSteps(path)).length > 0;
  }
  // What was stopped before its first checkpoint begins again.
  const request = { config, resume, overwrite: !resume };
  const { finished } = await runTraining(request, hooks, open);
  return finished ? await readManifest(path) : undefined;
}
