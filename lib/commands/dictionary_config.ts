/**
 * The configuration of a command that reads a finished dictionary: that of its run, under the flags.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { loadConfig } from "../config/load.ts";
import type { Override } from "../config/overrides.ts";
import { findKey } from "../config/place.ts";
import type { SectionName } from "../config/schema.ts";
import type { Config } from "../config/types.ts";
import { exists } from "../files/documents.ts";

/** Sections whose keys matter when a dictionary is measured. */
export const MEASURING_SECTIONS: readonly SectionName[] = ["", "model", "data", "train", "gpu"];

/** What a dictionary that came without its run says of its origin, as overrides below those of the user. */
async function fromProvenance(path: string): Promise<Override[]> {
  const { openDictionary } = await import("../interop/detect.ts");
  const { provenance } = await openDictionary(path);
  const several = provenance.hookpoints !== undefined;
  const known: [string, unknown][] = [
    ["hookpoint", several ? undefined : provenance.hookpoint || undefined],
    ["hookpoint_out", provenance.hookpointsOut ? undefined : provenance.hookpointOut],
    ["hookpoints", provenance.hookpoints],
    ["hookpoints_out", provenance.hookpointsOut],
    ["context_size", provenance.contextSize],
    ["prepend_bos", provenance.prependBos],
  ];
  return known.filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ path: findKey(name)!.path, value }));
}

/**
 * Reads `config.json` of the run that holds the dictionary, or what the dictionary tells of its origin.
 * @param path folder of a run, or of a dictionary (as `final` in a run)
 * @throws SdmError when there is nothing, or when no model is named
 */
export async function dictionaryConfig(
  path: string,
  overrides: readonly Override[],
): Promise<Config> {
  const folder = path.replace(/(?<=.)[\\/]+$/, "");
  for (const run of [folder, `${folder}/..`]) {
    const file = `${run}/config.json`;
    if (await exists(file) && await exists(`${run}/manifest.json`)) {
      const config = await loadConfig({ file, overrides, inputs: false });
      if (config.data.activations === undefined) return needModel(config, path);
      // A run on a store does not say how the store's text was cut and tapped; the dictionary does.
      const origin = await fromProvenance(path);
      const all = [...origin, ...overrides];
      return needModel(await loadConfig({ file, overrides: all, inputs: false }), path);
    }
  }
  const origin = await fromProvenance(path);
  const config = await loadConfig({ overrides: [...origin, ...overrides], inputs: false });
  return needModel(config, path);
}

function needModel(config: Config, path: string): Config {
  if ((config.model.onnx ?? config.model.hub) !== undefined) return config;
  throw new SdmError(
    `Cannot find the language model of "${path}": its folder names none, model.onnx is needed`,
    { hint: "--onnx model.onnx" },
  );
}
