/**
 * What the config.json beside a model says of it.
 * @module
 */
import type { OnnxModel } from "./model.ts";

/** Facts of a config.json that a graph can be compared with. */
export interface ConfigBeside {
  /** Path of the file. */
  path: string;
  /** Number of layers. */
  layers?: number;
  /** Width of the stream. */
  width?: number;
  /** Names of the model's classes, such as `GPT2LMHeadModel`. */
  classes: string[];
}

const known = new WeakMap<OnnxModel, ConfigBeside | null>();

/** The config.json in the model's folder, or above it when that is called `onnx`; undefined without a readable one. */
export function configBeside(model: OnnxModel): ConfigBeside | undefined {
  let found = known.get(model);
  if (found === undefined) known.set(model, found = read(model.path) ?? null);
  return found ?? undefined;
}

function read(path: string | undefined): ConfigBeside | undefined {
  if (path === undefined) return undefined;
  const folder = path.replace(/[^\\/]*$/, "");
  const folders = /(^|[\\/])onnx[\\/]$/.test(folder) ? [folder, `${folder}../`] : [folder];
  for (const place of folders) {
    try {
      const file = `${place}config.json`;
      return facts(file, JSON.parse(Deno.readTextFileSync(file)));
    } catch {
      // No such file, or no JSON: the graph has to do alone.
    }
  }
  return undefined;
}

function facts(path: string, whole: unknown): ConfigBeside | undefined {
  if (typeof whole !== "object" || whole === null) return undefined;
  const top = whole as Record<string, unknown>;
  const inner = typeof top.text_config === "object" ? top.text_config : undefined;
  const config = { ...inner, ...top } as Record<string, unknown>;
  const number = (...keys: string[]) =>
    keys.map((key) => config[key]).find((value): value is number => typeof value === "number");
  const { architectures } = config;
  return {
    path,
    layers: number("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    width: number("hidden_size", "n_embd", "d_model", "dim"),
    classes: Array.isArray(architectures) ? architectures.map(String) : [],
  };
}
