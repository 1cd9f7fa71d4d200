/**
 * Families of one code: what differs between them is which activation they stand for, and what is beside the code.
 * @module
 */
import { activationOf } from "./activations/mod.ts";
import { assemble, type Parts } from "./assembly.ts";
import { ENCODERS } from "./encoders/mod.ts";
import { initialAutoencoder } from "./initial.ts";
import type { DictionaryRecord } from "./record.ts";
import type { InitialValues, ModelFamily, ModelOptions } from "./types.ts";

/** A family as it is declared; what is absent is that of an autoencoder with a dense encoder. */
export interface FamilyDeclaration
  extends
    Pick<ModelFamily, "type" | "doc" | "formula" | "source">,
    Partial<Pick<ModelFamily, "needs" | "defaults" | "initial" | "record">> {
  /** Parts in place of the usual ones. */
  parts?: Partial<Parts> | ((options: ModelOptions) => Partial<Parts>);
}

/** The record of a dictionary of one code. */
export function denseRecord(
  options: ModelOptions,
  values: InitialValues,
  state?: ReadonlyMap<string, Float32Array>,
): DictionaryRecord {
  const get = (name: string) => values.get(name) as Float32Array;
  const activation = activationOf(options.activation);
  const encoder = ENCODERS[options.encoder];
  return {
    kind: options.kind === "sae" ? "sae" : "transcoder",
    dIn: options.dIn,
    dOut: options.dOut,
    dSae: options.dSae,
    wEnc: get("W_enc"),
    bEnc: get("b_enc"),
    wDec: get("W_dec"),
    bDec: values.get("b_dec") ?? new Float32Array(options.dOut),
    subtractBDec: options.inputBias && options.decoderBias,
    gateByDecoderNorm: options.gateByDecoderNorm,
    activation: activation.record(options, values, state),
    ...activation.fields?.(options, values),
    ...encoder.fields?.(options, values),
  };
}

/** Makes a family of its declaration. */
export function defineFamily(declared: FamilyDeclaration): ModelFamily {
  const { parts, initial = initialAutoencoder, record = denseRecord } = declared;
  return {
    type: declared.type,
    doc: declared.doc,
    formula: declared.formula,
    source: declared.source,
    needs: declared.needs ?? { target: "same", layers: false, sequences: false },
    defaults: declared.defaults ?? {},
    initial(options, seed, facts) {
      const own = ENCODERS[options.encoder].initial ?? initial;
      const values = own(options, seed, facts);
      const more = activationOf(options.activation).initial?.(options, seed, facts, values);
      return more ? new Map([...values, ...more]) : values;
    },
    build(gpu, options) {
      const activation = activationOf(options.activation);
      return assemble(gpu, options, {
        coder: ENCODERS[options.encoder].coder,
        penalty: activation.penalty,
        metrics: activation.metrics,
        ...typeof parts === "function" ? parts(options) : parts,
      });
    },
    record,
  };
}
