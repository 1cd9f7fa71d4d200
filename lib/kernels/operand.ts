/**
 * An operand that several dispatches share: where it was written and, if the device reads a copy faster, that copy.
 * @module
 */
import type { Slice } from "../gpu/kernel.ts";
import type { Texels } from "../gpu/texel_types.ts";

/** Rows of vec4s, see `encodeGemm.load` and `loadGathered`. */
export interface Operand {
  /** [rows up to ROW_UNIT, d4] vec4. */
  source: GPUBuffer | Slice;
  /** A copy, where the device's variant reads one. */
  texels?: Texels;
}
