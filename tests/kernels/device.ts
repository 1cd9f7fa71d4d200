/**
 * Devices that the tests of a file share: pipelines are cached by device, so that each is compiled once a file.
 * They are opened when first asked for and closed when the file ends. No adapter is an error, never a skip.
 * @module
 */
import { type Gpu, type GpuOptions, openGpu } from "../../lib/gpu/device.ts";

/** Bytes of a binding on {@link split}: 64 rows of 64 floats. */
export const SPLIT_BYTES = 64 * 64 * 4;

function lazy(options: GpuOptions): () => Promise<Gpu> {
  let opening: Promise<Gpu> | undefined;
  return () => {
    opening ??= openGpu(options).then((gpu) => {
      globalThis.addEventListener("unload", () => gpu.close());
      return gpu;
    });
    return opening;
  };
}

/** The device as it is. */
export const whole: () => Promise<Gpu> = lazy({});

/** The same adapter with bindings so small that matrices need several buffers. */
export const split: () => Promise<Gpu> = lazy({ maxBindingBytes: SPLIT_BYTES });

/** The same adapter without subgroup operations. */
export const withoutSubgroups: () => Promise<Gpu> = lazy({ subgroups: "off" });

/** The same adapter with the facts of hardware, so that what is made for hardware runs on it. */
export const asHardware: () => Promise<Gpu> = async () => {
  const gpu = await withoutSubgroups();
  return { ...gpu, facts: { ...gpu.facts, software: false } };
};

let buffered: Promise<Gpu> | undefined;

/** The same device where gathering kernels read buffers, although texels would be faster. */
export const fromBuffers: () => Promise<Gpu> = () =>
  buffered ??= whole().then((gpu) => ({
    ...gpu,
    facts: { ...gpu.facts, tuning: { gathers: "buffers" } },
  }));

/** Devices on which gathering kernels must have the same bits. */
export const GATHERING: readonly (() => Promise<Gpu>)[] = [whole, split, fromBuffers];
