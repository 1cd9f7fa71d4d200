/**
 * Which variant of a kernel a device takes: the one that was found fastest on it, else the kernel's own choice.
 * @module
 */
import type { DeviceFacts } from "./facts.ts";

/** A way to run a kernel; others have other tiles or other instructions, and the same results. */
export interface Variant {
  /** Its name, the only one of this kernel. */
  readonly name: string;
}

/**
 * The variant that a device takes.
 * @param variants what works on the device; the first is taken where nothing else was found
 */
export function pickVariant<V extends Variant>(
  kernel: string,
  variants: readonly V[],
  { tuning }: Pick<DeviceFacts, "tuning">,
): V {
  const wanted = tuning?.[kernel];
  // A name that is not there any more comes from an older version.
  return variants.find(({ name }) => name === wanted) ?? variants[0];
}
