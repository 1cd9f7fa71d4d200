/**
 * What a model needs to know of an encoder: its coder, its first values, what its record says.
 * @module
 */
import type { Coder } from "../../blocks/types.ts";
import type { PartsContext } from "../assembly.ts";
import type { DictionaryRecord } from "../record.ts";
import type { InitialValues, ModelOptions, StartFacts } from "../types.ts";

/** An encoder: data, not a class. */
export interface EncoderPart {
  /** Encoder and gate together, under the activation of the options. */
  coder(context: PartsContext): Coder;
  /** First values of all parameters, in place of the family's own. */
  initial?(options: ModelOptions, seed: number, facts: StartFacts): InitialValues;
  /** Fields of the record where the parameters are not `W_enc` and `b_enc`. */
  fields?(options: ModelOptions, values: InitialValues): Partial<DictionaryRecord>;
}
