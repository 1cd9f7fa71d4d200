/**
 * Opens the adapter with every limit it has, finds out what really works on it, and turns its failures into named errors.
 * @module
 */
import { DeviceLostError, OutOfMemoryError, SdmError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { preferVulkan } from "../base/vulkan.ts";
import type { DeviceFacts } from "./facts.ts";
import { probeSubgroups } from "./probe.ts";
import { TEXELS_WIDE } from "./texel_types.ts";

/** How to open a device. */
export interface GpuOptions {
  /** Which adapter to prefer on a machine with several. */
  powerPreference?: GPUPowerPreference;
  /** Pretend that a storage binding holds at most this many bytes, to force splits. */
  maxBindingBytes?: number;
  /** `off` leaves subgroup variants unused. */
  subgroups?: "auto" | "off";
}

/** Memory that can be given back. */
export interface Freed {
  /** Bytes. */
  readonly size: number;
  /** Gives it back. */
  destroy(): void;
}

/** An open device: its facts, its buffers, its pipelines. */
export interface Gpu {
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** What kernels may know about it. */
  readonly facts: DeviceFacts;
  /** Compute pipelines by shader text. */
  readonly pipelines: Map<string, GPUComputePipeline>;
  /** Bytes of all buffers and texels made through {@link createBuffer} and the like, now and at the highest. */
  readonly memory: { bytes: number; peakBytes: number };
  /** Buffers and texels that are freed together, see {@link freeable}. */
  readonly owned?: Set<Freed>;
  /** Throws what went wrong since the device was opened: a lost device, a validation error, no memory. */
  check(): void;
  /** Destroys the device. */
  close(): void;
}

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxTextureDimension2D",
] as const;

/** Bindings above this break the signed 32-bit offsets of some back ends. */
const SAFE_BINDING = 2 ** 31 - 1;

/** What to type so that an adapter is found, by system. */
export function adapterAdvice(): string {
  switch (Deno.build.os) {
    case "linux":
      return 'install a Vulkan driver, for example "apt-get install mesa-vulkan-drivers" ' +
        "(Debian, Ubuntu), or the driver of your graphics card";
    case "darwin":
      return "Metal is part of macOS: use a login session on real or paravirtualised graphics";
    default:
      return "update the graphics driver (Direct3D 12 or Vulkan)";
  }
}

/**
 * Opens a device with all limits of the adapter.
 * @throws SdmError when there is no adapter, with what to install
 */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  const adapter = await findAdapter(options.powerPreference);
  const wanted = ["shader-f16", "timestamp-query"].filter((f) =>
    adapter.features.has(f as GPUFeatureName)
  ) as GPUFeatureName[];
  const requiredLimits: Record<string, number> = {};
  for (const name of LIMITS) requiredLimits[name] = adapter.limits[name];

  let owner = adapter;
  let device: GPUDevice | undefined;
  let subgroups = { size: 0, directive: false };
  if (options.subgroups !== "off") {
    try {
      // Deno grants the feature without listing it, so ask first and believe the probe only.
      device = await adapter.requestDevice({
        requiredFeatures: [...wanted, "subgroups" as GPUFeatureName],
        requiredLimits,
      });
      subgroups = await probeSubgroups(device);
    } catch {
      device = undefined;
    }
  }
  if (!device) {
    owner = await findAdapter(options.powerPreference);
    device = await owner.requestDevice({ requiredFeatures: wanted, requiredLimits });
  }
  const limits = device.limits;
  const facts: DeviceFacts = {
    name: adapter.info.description || adapter.info.vendor || "unnamed adapter",
    software: adapter.info.isFallbackAdapter === true,
    subgroupSize: subgroups.size,
    subgroupDirective: subgroups.directive,
    f16: device.features.has("shader-f16"),
    timestamps: device.features.has("timestamp-query"),
    maxBindingBytes: Math.min(
      limits.maxStorageBufferBindingSize,
      limits.maxBufferSize,
      SAFE_BINDING,
      options.maxBindingBytes ?? Infinity,
    ),
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    maxGroups: limits.maxComputeWorkgroupsPerDimension,
    maxTexels: limits.maxTextureDimension2D * TEXELS_WIDE,
  };
  return watch(device, facts, owner);
}

async function findAdapter(powerPreference?: GPUPowerPreference): Promise<GPUAdapter> {
  preferVulkan();
  const adapter = await navigator.gpu?.requestAdapter(
    powerPreference ? { powerPreference } : undefined,
  );
  if (!adapter) {
    throw new SdmError("Cannot find a WebGPU adapter: this system offers none, one is needed", {
      hint: adapterAdvice(),
    });
  }
  return adapter;
}

function watch(device: GPUDevice, facts: DeviceFacts, adapter: GPUAdapter): Gpu {
  let failure: Error | undefined;
  let closed = false;
  device.lost.then((info) => {
    if (closed) return;
    failure = new DeviceLostError(`Cannot go on: the adapter "${facts.name}" was lost`, {
      cause: info.message,
      hint: "sdm train --resume continues from the last checkpoint",
    });
  });
  device.addEventListener("uncapturederror", (event) => {
    const error = (event as GPUUncapturedErrorEvent).error;
    event.preventDefault?.();
    failure ??= error.constructor.name === "GPUOutOfMemoryError"
      ? new OutOfMemoryError(
        `Cannot allocate on the adapter "${facts.name}": ${error.message}`,
        { hint: "lower train.batch_tokens or dictionary.d_sae" },
      )
      : new Error(`GPU error: ${error.message}`);
  });
  const memory = { bytes: 0, peakBytes: 0 };
  // A language model's runtime asks the device for its adapter; one that was collected by then aborts the process.
  const alive: { adapter?: GPUAdapter } = { adapter };
  return {
    device,
    facts,
    pipelines: new Map(),
    memory,
    check() {
      if (failure) throw failure;
    },
    close() {
      closed = true;
      device.destroy();
      alive.adapter = undefined;
    },
  };
}

/** Usage of an ordinary data buffer. */
export const DATA_USAGE: number = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC |
  GPUBufferUsage.COPY_DST;

/**
 * Makes a zero-filled buffer and counts its bytes.
 * @throws OutOfMemoryError when it is larger than the device allows
 */
export function createBuffer(
  gpu: Gpu,
  bytes: number,
  label: string,
  usage: number = DATA_USAGE,
): GPUBuffer {
  const size = Math.max(16, Math.ceil(bytes / 16) * 16);
  const bound = (usage & GPUBufferUsage.STORAGE) !== 0;
  const most = bound
    ? Math.min(gpu.facts.maxBufferBytes, gpu.facts.maxBindingBytes)
    : gpu.facts.maxBufferBytes;
  if (size > most) {
    throw new OutOfMemoryError(
      `Cannot make buffer "${label}": it needs ${formatBytes(size)}, ` +
        `adapter "${gpu.facts.name}" binds at most ${formatBytes(most)}`,
      { hint: "lower train.batch_tokens" },
    );
  }
  const buffer = gpu.device.createBuffer({ size, usage, label });
  gpu.memory.bytes += size;
  gpu.memory.peakBytes = Math.max(gpu.memory.peakBytes, gpu.memory.bytes);
  gpu.owned?.add(buffer);
  return buffer;
}

/** Destroys a buffer made by {@link createBuffer}, or texels. */
export function destroyBuffer(gpu: Gpu, buffer: Freed): void {
  gpu.memory.bytes -= buffer.size;
  gpu.owned?.delete(buffer);
  buffer.destroy();
}

/** The same device for work of its own: `free` destroys what was made through it and is left. */
export function freeable(gpu: Gpu): Gpu & { free(): void } {
  const owned = new Set<Freed>();
  const part = { ...gpu, owned };
  return { ...part, free: () => owned.forEach((buffer) => destroyBuffer(part, buffer)) };
}
