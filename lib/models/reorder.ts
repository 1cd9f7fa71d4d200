/**
 * The order of a trained dictionary's latents: sorted by importance, any prefix of them is a smaller dictionary.
 * Source: architectures spec, section 6 ("Column permutation of a trained SAE").
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { Activation, DictionaryRecord } from "./record.ts";

/**
 * Latents from the most important to the least, equal ones in their own order.
 * @param importance a number a latent, such as its mean squared activation
 */
export function orderByImportance(importance: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: importance.length }, (_, f) => f)
    .sort((a, b) => importance[b] - importance[a] || a - b);
}

/**
 * The same dictionary with its latents in another order: what it reconstructs does not change.
 * Nested prefixes stay only where each has the latents that it had.
 * @param order `order[f]` is the latent that becomes number f
 * @throws SdmError when `order` is no permutation, or when it moves latents between the groups of a gate
 */
export function reorderLatents(
  record: DictionaryRecord,
  order: ArrayLike<number>,
): DictionaryRecord {
  checkPermutation(order, record.dSae);
  const { prefixes } = record;
  const { dIn, dOut } = record;
  const kept = prefixes?.every((width) => staysWithin(order, 0, width));
  return {
    ...record,
    wEnc: permuteRows(record.wEnc, order, dIn),
    bEnc: permuteRows(record.bEnc, order, 1),
    wDec: permuteRows(record.wDec, order, dOut),
    activation: reorderActivation(record.activation, order),
    prefixes: kept ? prefixes : undefined,
  };
}

function reorderActivation(activation: Activation, order: ArrayLike<number>): Activation {
  if (activation.name === "jumprelu") {
    return { ...activation, threshold: permuteRows(activation.threshold, order, 1) };
  }
  if (activation.name === "product_keys") {
    throw new SdmError(
      "Cannot reorder latents: these stand on grids of sub-keys, an encoder with a row a latent is needed",
    );
  }
  if (activation.name === "groupmax") {
    let first = 0;
    for (let g = 0; g < activation.k; g++) {
      // As the gate cuts them: what is left over makes the first groups longer by one.
      const end = first + Math.floor(order.length / activation.k) +
        (g < order.length % activation.k ? 1 : 0);
      if (!staysWithin(order, first, end)) {
        throw new SdmError(
          `Cannot reorder latents: the order moves some out of group ${g} of the groupmax gate, ` +
            "an order within its groups is needed",
        );
      }
      first = end;
    }
  }
  return activation;
}

/** Whether places [first, end) hold the latents of the same numbers. */
function staysWithin(order: ArrayLike<number>, first: number, end: number): boolean {
  for (let f = first; f < end; f++) if (order[f] < first || order[f] >= end) return false;
  return true;
}

function permuteRows(data: Float32Array, order: ArrayLike<number>, width: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let f = 0; f < order.length; f++) {
    out.set(data.subarray(order[f] * width, (order[f] + 1) * width), f * width);
  }
  return out;
}

function checkPermutation(order: ArrayLike<number>, dSae: number): void {
  const seen = new Uint8Array(dSae);
  for (let f = 0; f < order.length; f++) {
    if (order[f] < dSae && Number.isInteger(order[f]) && order[f] >= 0) seen[order[f]] = 1;
  }
  const missing = seen.indexOf(0);
  if (order.length !== dSae || missing >= 0) {
    throw new SdmError(
      `Cannot reorder latents: the order has ${order.length} numbers` +
        (missing >= 0 ? ` and lacks latent ${missing}` : "") +
        `, each of ${dSae} latents is needed once`,
    );
  }
}
