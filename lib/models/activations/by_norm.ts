/**
 * Gates of scores, or of scores times decoder norms where the options say so.
 * @module
 */
import { gateByNorm } from "../../blocks/gates/by_norm.ts";
import { decoderNorms } from "../../blocks/norms/decoder_norms.ts";
import type { Gate } from "../../blocks/types.ts";
import type { PartsContext } from "../assembly.ts";

/** `gate` on what the options want compared; where decoder rows have unit length it is the same. */
export function byNorm({ gpu, options, wDec, norms }: PartsContext, gate: Gate): Gate {
  if (!options.gateByDecoderNorm || wDec.unitRows) return gate;
  return gateByNorm(gpu, gate, { rows: options.rows, norms: norms ?? decoderNorms(gpu, wDec) });
}
