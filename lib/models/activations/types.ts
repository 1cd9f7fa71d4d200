/**
 * What a model needs to know of an activation function: its coder, its penalty, its first values, its record.
 * @module
 */
import type { Coder, Penalty, RingField, ScoreEncoder } from "../../blocks/types.ts";
import type { PartsContext } from "../assembly.ts";
import type { Activation, DictionaryRecord } from "../record.ts";
import type { ActivationName, InitialValues, ModelOptions, StartFacts } from "../types.ts";

/** An activation function: data, not a class. */
export interface ActivationPart {
  /** Name in configurations. */
  readonly name: ActivationName;
  /** One sentence with its formula. */
  readonly doc: string;
  /** Encoder and gate together, on an encoder that makes panels of scores. */
  coder(context: PartsContext, encoder: ScoreEncoder): Coder;
  /** Its sparsity penalty, where it has one. */
  penalty?(context: PartsContext, coder: Coder): Penalty | undefined;
  /** More numbers to log. */
  readonly metrics?: readonly RingField[];
  /** First values beyond those of encoder and decoder; may replace some of `values`. */
  initial?(
    options: ModelOptions,
    seed: number,
    facts: StartFacts,
    values: InitialValues,
  ): InitialValues;
  /** What the record of the trained dictionary says. `state` has the words of the model's state by name. */
  record(
    options: ModelOptions,
    values: InitialValues,
    state?: ReadonlyMap<string, Float32Array>,
  ): Activation;
  /** Fields of the record that are not simply the parameters. */
  fields?(options: ModelOptions, values: InitialValues): Partial<DictionaryRecord>;
}
