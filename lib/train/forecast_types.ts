/**
 * What a run is expected to need, as `sdm plan --json` prints it.
 * @module
 */

/** Bytes with what they are for. */
export interface Amount {
  /** What they are for. */
  name: string;
  /** How many. */
  bytes: number;
}

/** A tensor that is cut, since it is larger than a binding of the adapter. */
export interface SplitTensor {
  /** Its name. */
  tensor: string;
  /** Rows and columns. */
  shape: [number, number];
  /** Bytes of all its buffers. */
  bytes: number;
  /** Buffers. */
  buffers: number;
}

/** Parts of a run in which other buffers exist. */
export type Phase = "start" | "training" | "checkpoint" | "finish";

/** Memory on the adapter. */
export interface GpuForecast {
  /** The adapter that it was counted for. */
  adapter: string;
  /** Bytes that one binding may have there. */
  max_binding_bytes: number;
  /** The largest buffer. */
  largest_buffer: Amount;
  /** Highest sum of all buffers. */
  peak_bytes: number;
  /** When that is. */
  peak_phase: Phase;
  /** All buffers while training. */
  training_bytes: number;
  /** The same by purpose: weights, gradients, moments, batch, counters, workspace. */
  purposes: Amount[];
  /** The workspace by buffer, the largest first. */
  workspace: Amount[];
  /** Tensors that are cut. */
  splits: SplitTensor[];
}

/** Memory of the process. */
export interface HostForecast {
  /** Highest resident size. */
  rss_bytes: number;
  /** What it is made of. */
  parts: Amount[];
  /** Bytes that the machine has left for it, where the system tells. */
  available_bytes?: number;
}

/** Room on the disk. */
export interface DiskForecast {
  /** Where it is taken. */
  folder: string;
  /** Bytes at the most, a checkpoint that is being written included. */
  peak_bytes: number;
  /** What they are made of. */
  parts: Amount[];
  /** Bytes of an activation store of the rows of this run, were they harvested first. */
  store_bytes?: number;
  /** Bytes that are free there, where the system tells. */
  free_bytes?: number;
}

/** Time, from rates that were measured. */
export interface TimeForecast {
  /** Steps that the rates were measured on. */
  probe_steps: number;
  /** Rows a second that the model gives (or a store), with nothing else at work. */
  model_tokens_per_second: number;
  /** Rows a second of the dictionary's steps, with nothing else at work. */
  dictionary_tokens_per_second: number;
  /** Both while they go on at the same time. */
  together: { model_tokens_per_second: number; dictionary_tokens_per_second: number };
  /** Seconds from the start to the first step: text, model, first activations, first weights. */
  start_seconds: number;
  /** Seconds of training, waiting included, checkpoints not. */
  training_seconds: number;
  /** Seconds of all checkpoints. */
  checkpoint_seconds: number;
  /** All of it; evaluation and report come on top. */
  total_seconds: number;
  /** Seconds of training in which the dictionary waits for activations. */
  dictionary_waits_seconds: number;
  /** Seconds of training in which the model waits for the dictionary. */
  model_waits_seconds: number;
  /** Seconds of training that the model takes, where both take turns on one device and neither can wait. */
  model_turns_seconds?: number;
}

/** Something that does not fit. */
export interface Trouble {
  /** What, as a sentence. */
  message: string;
  /** What to change. */
  advice: string;
}

/** What a run is expected to need. */
export interface Forecast {
  /** Family. */
  type: string;
  /** Width of the input. */
  d_in: number;
  /** Width of the output. */
  d_out: number;
  /** Latents, of a layer where there are several. */
  d_sae: number;
  /** Layers of a cross-layer transcoder. */
  layers: number;
  /** Rows of a step. */
  batch_tokens: number;
  /** Rows of the run. */
  training_tokens: number;
  /** Steps of the run. */
  steps: number;
  /** Whether the adapter is one that was assumed, not opened. */
  assumed: boolean;
  /** Memory on the adapter; absent where the model cannot be built there. */
  gpu?: GpuForecast;
  /** Memory of the process. */
  host?: HostForecast;
  /** Room on the disk. */
  disk?: DiskForecast;
  /** Time; absent without a probe. */
  time?: TimeForecast;
  /** What does not fit; empty when everything does. */
  trouble: Trouble[];
}
