/**
 * A device that only counts: whatever is built on it allocates, compiles and runs nothing, and leaves a list of the buffers
 * that it would have made. What a model costs is thus found out by the code that trains it, before there is a device.
 * @module
 */
import type { Gpu } from "./device.ts";
import type { DeviceFacts } from "./facts.ts";

/** A buffer that was asked for. */
export interface DryBuffer {
  /** What it is for. */
  label: string;
  /** Bytes. */
  bytes: number;
  /** Whether it has not been destroyed. */
  alive: boolean;
}

/** A device that counts. */
export interface DryGpu extends Gpu {
  /** Buffers and texels in the order in which they were made, by the object that stands for each. */
  readonly buffers: ReadonlyMap<GPUBuffer | GPUTexture, DryBuffer>;
}

type DryBuffers = Map<GPUBuffer | GPUTexture, DryBuffer>;

/** Texels, 16 bytes each. */
function dryTexture(buffers: DryBuffers, { size, label = "" }: GPUTextureDescriptor): GPUTexture {
  const [width, height = 1] = size as number[];
  const entry = { label, bytes: width * height * 16, alive: true };
  const texture = {
    createView: () => ({}),
    destroy: () => void (entry.alive = false),
  } as unknown as GPUTexture;
  buffers.set(texture, entry);
  return texture;
}

/** Reads give zeros. */
function dryBuffer(buffers: DryBuffers, asked: GPUBufferDescriptor): GPUBuffer {
  const { size, usage, label = "" } = asked;
  const entry = { label, bytes: size, alive: true };
  const buffer = {
    size,
    usage,
    label,
    destroy: () => void (entry.alive = false),
    mapAsync: () => Promise.resolve(),
    getMappedRange: () => new ArrayBuffer(size),
    unmap: nothing,
  } as unknown as GPUBuffer;
  buffers.set(buffer, entry);
  return buffer;
}

function nothing(): void {}

function dryEncoder(): GPUCommandEncoder {
  const pass = {
    setPipeline: nothing,
    setBindGroup: nothing,
    dispatchWorkgroups: nothing,
    dispatchWorkgroupsIndirect: nothing,
    end: nothing,
  };
  return {
    beginComputePass: () => pass,
    clearBuffer: nothing,
    copyBufferToBuffer: nothing,
    copyBufferToTexture: nothing,
    finish: () => ({}),
  } as unknown as GPUCommandEncoder;
}

/**
 * A device with the facts of another one, which counts and does nothing else. Limits hold as they do on a real one.
 */
export function dryGpu(facts: DeviceFacts): DryGpu {
  const buffers: DryBuffers = new Map();
  const device = {
    createBuffer: (asked: GPUBufferDescriptor) => dryBuffer(buffers, asked),
    createTexture: (asked: GPUTextureDescriptor) => dryTexture(buffers, asked),
    createBindGroup: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({}),
    createComputePipeline: () => ({ getBindGroupLayout: () => ({}) }),
    createCommandEncoder: dryEncoder,
    queue: {
      writeBuffer: nothing,
      submit: nothing,
      onSubmittedWorkDone: () => Promise.resolve(),
    },
    destroy: nothing,
  } as unknown as GPUDevice;
  return {
    device,
    facts,
    buffers,
    pipelines: new Map(),
    memory: { bytes: 0, peakBytes: 0 },
    check: nothing,
    close: nothing,
  };
}
