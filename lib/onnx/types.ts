/**
 * What the rest of the program knows about a language model: names of hookpoints and a runner.
 * @module
 */

/**
 * How sure the resolver is of a hookpoint: `measured` on a run, `certain` by structure with a second witness (names or
 * config.json), `likely` by structure alone, `guess` when something speaks against it.
 */
export type Confidence = "measured" | "certain" | "likely" | "guess";

/** A place in the model whose activations can be recorded. */
export interface Hookpoint {
  /** Canonical name in TransformerLens form, or the tensor's own name for a raw tensor. */
  name: string;
  /** Name of the ONNX tensor. */
  tensor: string;
  /** Layer, or undefined for a raw tensor. */
  layer?: number;
  /**
   * `resid_pre`, `resid_mid`, `resid_post`, `attn_in`, `attn_out`, `mlp_in`, `mlp_out`, `mlp_hidden`, `z`, `q`, `k`, `v`,
   * `qkv` or `raw`.
   */
  kind: string;
  /** Width of the last axis, when the graph tells. */
  d?: number;
  /** Why the resolver believes it: one short clause. */
  why: string;
  /** Sizes, symbols where they depend on the text; undefined when the graph does not tell. */
  shape?: (number | string)[];
  /** Element type, such as `float32`; `?` when the graph does not tell. */
  dtype: string;
  /** How sure the resolver is. */
  confidence: Confidence;
  /** What speaks for and against it, in words. */
  evidence: string[];
}

/** Which ONNX Runtime runs the model. `auto` takes `cpu` where the native library loads, else `wasm`. */
export type ProviderName = "auto" | "cpu" | "wasm" | "webgpu";

/** Activations that stay on the device where the model ran. */
export interface DeviceTaps {
  /** One buffer a tap, which may be longer than what it holds; taps of one tensor share one. */
  buffers: readonly GPUBuffer[];
  /** Floats of each, row-major [batch · length, d] without padding. */
  lengths: readonly number[];
  /** Gives the buffers back; commands that were submitted before still find them as they were. */
  release(): void;
}

/** A model that is loaded and gives the activations of its taps. */
export interface ModelRunner {
  /** The provider in use. */
  readonly provider: Exclude<ProviderName, "auto">;
  /** The tapped tensors, in the order of `run`'s answer. */
  readonly taps: readonly string[];
  /**
   * Runs `batch` contexts of `length` tokens each.
   * @param ids token ids, row-major [batch, length]
   * @returns one array a tap, row-major [batch · length, d], float32 whatever the graph's type
   */
  run(ids: Int32Array, batch: number, length: number): Promise<Float32Array[]>;
  /** The same without leaving the device, where the runner was given one. */
  runOnDevice?(ids: Int32Array, batch: number, length: number): Promise<DeviceTaps>;
  /** Frees the session. */
  close(): Promise<void>;
}
