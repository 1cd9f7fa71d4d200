/**
 * Nested prefixes as a part of a model: whatever its gate, its encoder and what is beside the code.
 * @module
 */
import {
  equalPrefixes,
  type PrefixOptions,
  widthsOfShares,
} from "../blocks/decoders/prefix_plan.ts";
import { prefixesDecoder } from "../blocks/decoders/prefixes.ts";
import type { Parts } from "./assembly.ts";
import type { ModelOptions } from "./types.ts";

/** Each prefix has as many latents again as those inside of it. */
const SHARES = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1];

/** The prefixes of the options; five that double when they say nothing. */
export function prefixesOf({ prefixes, dSae }: ModelOptions): PrefixOptions {
  return prefixes ?? equalPrefixes(widthsOfShares(SHARES, dSae), dSae);
}

/** The decoder of nested prefixes. */
export function nestedDecoder(options: ModelOptions): Pick<Parts, "decoder"> {
  return {
    decoder: ({ gpu, space, wDec, bDec, inputBias, loss, table }, addTo) =>
      prefixesDecoder(gpu, space, {
        wDec,
        bDec,
        loss,
        addTo,
        table,
        prefixes: prefixesOf(options),
        centredTarget: inputBias !== undefined && space.target === space.x,
      }),
  };
}

/** Widths for the record of a trained dictionary: those that it can be cut at; none when they were drawn. */
export function recordedPrefixes(options: ModelOptions): { prefixes?: readonly number[] } {
  const { widths, drawn } = prefixesOf(options);
  return drawn ? {} : { prefixes: widths };
}
