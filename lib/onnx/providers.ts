/**
 * Finds an ONNX Runtime: onnxruntime-node, or onnxruntime-web on WebAssembly or WebGPU.
 * @module
 */
import type {
  InferenceSession,
  InferenceSessionFactory,
  TensorConstructor,
} from "onnxruntime-common";
import { messageOf, SdmError } from "../base/errors.ts";
import { preferVulkan } from "../base/vulkan.ts";
import type { ProviderName } from "./types.ts";

/** Where `process` exists onnxruntime-web puts Node's Worker in place of this one and leaves it there. */
const ownWorker = Object.getOwnPropertyDescriptor(globalThis, "Worker");

/** A provider that was decided on. */
export type ConcreteProvider = Exclude<ProviderName, "auto">;

/** Where onnxruntime-web finds its WebAssembly files: a folder's URL, or each file's. */
export type WasmPaths = string | { wasm?: string; mjs?: string };

/** How a provider is started. */
export interface ProviderOptions {
  /** Threads inside one operation; `cpu` only, default all cores. */
  threads?: number;
  /**
   * Needed only when onnxruntime-web was bundled away from its files; default is the environment variable
   * `SDM_WASM_PATHS`, a folder's URL that ends in a slash, else beside the module.
   */
  wasmPaths?: WasmPaths;
}

/** The same on this thread, where a device can be shared. */
export interface RuntimeOptions extends ProviderOptions {
  /** `webgpu` only: run here, and leave results here; whoever gave it closes it. */
  device?: GPUDevice;
}

/** A data file by the name that the model has for it. */
export interface ExternalData {
  /** The model's name for it. */
  path: string;
  /** Its bytes. */
  data: Uint8Array;
}

/** A loaded ONNX Runtime. */
export interface OnnxRuntime {
  /** Which one. */
  provider: ConcreteProvider;
  /** Makes tensors. */
  Tensor: TensorConstructor;
  /** Whether results stay on a device that was given. */
  onDevice: boolean;
  /** Makes a session from a model's bytes and the data files it refers to: as bytes, or in `folder`. */
  open(
    bytes: Uint8Array,
    externalData: ExternalData[],
    folder?: string,
  ): Promise<InferenceSession>;
  /** Frees what is not a session's. */
  close(): void;
}

/**
 * Loads the runtime of `name`; `auto` is `cpu` where its native library loads, else `wasm`.
 * @throws SdmError when the runtime cannot be loaded here
 */
export async function loadRuntime(
  name: ProviderName,
  options: RuntimeOptions = {},
): Promise<OnnxRuntime> {
  switch (name) {
    case "cpu":
      return await attempt("cpu", "wasm", () => loadCpu(options));
    case "wasm":
      return await attempt("wasm", "cpu", () => loadWasm(options));
    case "webgpu":
      return await attempt("webgpu", "cpu", () => loadWebgpu(options));
    case "auto":
      return await loadCpu(options).catch(() => loadRuntime("wasm", options));
    default: {
      const other: string = name satisfies never;
      throw new SdmError(
        `Cannot load provider "${other}": it is not known, "auto", "cpu", "wasm" or "webgpu" is needed`,
      );
    }
  }
}

async function attempt(
  name: ConcreteProvider,
  other: ConcreteProvider,
  load: () => Promise<OnnxRuntime>,
): Promise<OnnxRuntime> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof SdmError) throw error;
    throw new SdmError(
      `Cannot load provider "${name}": ${firstLine(error)}, another provider is needed`,
      { cause: error, hint: `--provider ${other}` },
    );
  }
}

/** The first line of an error's text: ONNX Runtime adds stacks and source paths. */
export function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0].trim().replace(/\.$/, "");
}

/**
 * ONNX Runtime's native library reports its use to its maker over the network, and leaves a log in the folder for temporary
 * files, unless this variable says no. What a user set stays.
 */
function refuseTelemetry(): void {
  const name = "ORT_DISABLE_TELEMETRY";
  if (Deno.env.get(name) === undefined) Deno.env.set(name, "1");
}

async function loadCpu(options: ProviderOptions): Promise<OnnxRuntime> {
  refuseTelemetry();
  const ort = await import("onnxruntime-node");
  const session: InferenceSession.SessionOptions = { executionProviders: ["cpu"] };
  if (options.threads !== undefined) session.intraOpNumThreads = options.threads;
  return runtime("cpu", ort, session);
}

async function loadWasm(options: ProviderOptions): Promise<OnnxRuntime> {
  hideWorkerLocation();
  const ort = await import("onnxruntime-web/wasm");
  // Two threads need a worker from a blob: URL, which Deno refuses.
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = wasmPathsOf(options);
  return runtime("wasm", ort, { executionProviders: ["wasm"] });
}

/** A device with everything that the adapter has, and the end of its life. */
async function ownDevice(): Promise<{ device: GPUDevice; close: () => void }> {
  preferVulkan();
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    throw new SdmError(`Cannot load provider "webgpu": no adapter was found, a GPU is needed`, {
      hint: "--provider cpu",
    });
  }
  const limits: Record<string, number> = {};
  for (const key in adapter.limits) {
    const value = adapter.limits[key as keyof GPUSupportedLimits];
    if (typeof value === "number") limits[key] = value;
  }
  const device = await adapter.requestDevice({
    requiredFeatures: [...adapter.features] as GPUFeatureName[],
    requiredLimits: limits,
  });
  // ONNX Runtime asks the device for its adapter later on; an adapter collected by then aborts the process.
  const alive: { adapter?: GPUAdapter } = { adapter };
  const close = () => {
    device.destroy();
    alive.adapter = undefined;
  };
  return { device, close };
}

async function loadWebgpu(options: RuntimeOptions): Promise<OnnxRuntime> {
  const given = options.device && { device: options.device, close: () => {} };
  const { device, close } = given ?? await ownDevice();
  // Given subgroups, ONNX Runtime writes shaders that naga refuses; unseen, it uses its others.
  const shown = new Set([...device.features].filter((feature) => !feature.startsWith("subgroup")));
  Object.defineProperty(device, "features", { value: shown, configurable: true });
  hideWorkerLocation();
  const ort = await import("onnxruntime-web/webgpu");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = wasmPathsOf(options);
  // The published type of the option lacks `device`, which the runtime reads.
  const webgpu = { name: "webgpu", device } as InferenceSession.ExecutionProviderConfig;
  const session: InferenceSession.SessionOptions = { executionProviders: [webgpu] };
  if (given) session.preferredOutputLocation = "gpu-buffer";
  return { ...runtime("webgpu", ort, session, close), onDevice: given !== undefined };
}

function wasmPathsOf(options: ProviderOptions): WasmPaths | undefined {
  return options.wasmPaths ?? Deno.env.get("SDM_WASM_PATHS");
}

/** In a worker onnxruntime-web resolves its files against `location`, which is "null" there, and dies. */
function hideWorkerLocation(): void {
  if (typeof Reflect.get(globalThis, "WorkerGlobalScope") === "undefined") return;
  Object.defineProperty(globalThis, "location", { value: undefined, configurable: true });
}

function runtime(
  provider: ConcreteProvider,
  ort: { InferenceSession: InferenceSessionFactory; Tensor: TensorConstructor },
  session: InferenceSession.SessionOptions,
  close: () => void = () => {},
): OnnxRuntime {
  // Errors come back as exceptions; the native log would only say them twice.
  const options = { ...session, logSeverityLevel: 4 as const };
  const open = async (bytes: Uint8Array, externalData: ExternalData[], folder?: string) => {
    const given: InferenceSession.SessionOptions = { ...options };
    if (externalData.length > 0) given.externalData = externalData;
    if (folder !== undefined) {
      given.extra = { session: { model_external_initializers_file_folder_path: folder } };
    }
    try {
      return await ort.InferenceSession.create(bytes, given);
    } finally {
      if (ownWorker) Object.defineProperty(globalThis, "Worker", ownWorker);
    }
  };
  return { provider, Tensor: ort.Tensor, onDevice: false, open, close };
}
