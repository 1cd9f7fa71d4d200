/**
 * What kernels may know about a device. Plans are pure functions of a shape and of these facts, so that they can be
 * tested for devices that we do not own; nobody asks for a vendor's name.
 * @module
 */

/** Names of the variants that were found fastest on a device, by kernel. */
export type Tuning = Readonly<Record<string, string>>;

/** Facts of an opened device. */
export interface DeviceFacts {
  /** Adapter's own description, for people. */
  name: string;
  /** True for an adapter that computes on the CPU. */
  software: boolean;
  /** Lanes of a subgroup when subgroup operations work and the size is fixed; otherwise 0. */
  subgroupSize: number;
  /** Whether WGSL needs `enable subgroups;` (browsers) or refuses it (naga). */
  subgroupDirective: boolean;
  /** Whether `shader-f16` was granted. */
  f16: boolean;
  /** Whether timestamp queries were granted. */
  timestamps: boolean;
  /** Largest range of a storage binding, in bytes. */
  maxBindingBytes: number;
  /** Largest buffer, in bytes. */
  maxBufferBytes: number;
  /** Storage buffers a shader stage may bind. */
  maxStorageBuffers: number;
  /** Invocations of a workgroup. */
  maxInvocations: number;
  /** Bytes of workgroup memory. */
  workgroupBytes: number;
  /** Workgroups along one axis of a dispatch. */
  maxGroups: number;
  /** Vec4s that a texture of rows of 1024 texels holds. */
  maxTexels: number;
  /** Variants that were found fastest on this adapter; absent where nothing was tried. */
  tuning?: Tuning;
}

/** Facts of the smallest device that WebGPU promises; plans must work on it. */
export const MINIMAL_FACTS: DeviceFacts = {
  name: "WebGPU defaults",
  software: false,
  subgroupSize: 0,
  subgroupDirective: false,
  f16: false,
  timestamps: false,
  maxBindingBytes: 128 * 2 ** 20,
  maxBufferBytes: 256 * 2 ** 20,
  maxStorageBuffers: 8,
  maxInvocations: 256,
  workgroupBytes: 16384,
  maxGroups: 65535,
  maxTexels: 8192 * 1024,
};
