/**
 * The registry of encoders: adding one is a file beside this and a line here.
 * @module
 */
import { denseCoder } from "../coders.ts";
import type { ModelOptions } from "../types.ts";
import { productKeys } from "./product_keys.ts";
import type { EncoderPart } from "./types.ts";

/** All encoders by their names in configurations. */
export const ENCODERS: Readonly<Record<ModelOptions["encoder"], EncoderPart>> = {
  dense: { coder: denseCoder },
  pkm: productKeys,
};
