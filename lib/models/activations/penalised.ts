/**
 * The penalty of the activations that have one: on values times decoder norms where decoder rows are free, and with the
 * pre-activation loss where there are thresholds.
 * @module
 */
import { type PenaltyOptions, sparsityPenalty } from "../../blocks/losses/penalty.ts";
import { withPreAct } from "../../blocks/losses/pre_act.ts";
import { decoderNorms } from "../../blocks/norms/decoder_norms.ts";
import type { Coder, Penalty } from "../../blocks/types.ts";
import type { PartsContext } from "../assembly.ts";

/**
 * Makes the penalty.
 * @throws RangeError for a pre-activation loss on a coder without thresholds or without one row a latent
 */
export function penaltyOf(
  context: PartsContext,
  coder: Coder,
  options: PenaltyOptions,
): Penalty {
  const { gpu, space, wDec } = context;
  const { dSae, preAct, deadAfterTokens } = context.options;
  const needsNorms = !wDec.unitRows || preAct !== undefined;
  const norms = needsNorms ? context.norms ?? decoderNorms(gpu, wDec) : undefined;
  const penalty = sparsityPenalty(gpu, space, options, { latents: dSae, norms });
  if (preAct === undefined || !norms) return penalty;
  const { thresholds, encoder } = coder;
  if (!thresholds || !encoder?.latentRows) {
    throw new RangeError(
      "Cannot add a pre-activation loss: thresholds and a dense encoder are needed",
    );
  }
  const dead = preAct === "dead" && context.dead
    ? { sinceFired: context.dead.sinceFired, after: deadAfterTokens }
    : undefined;
  return withPreAct(gpu, space, penalty, {
    encoder: encoder.latentRows,
    thresholds,
    norms,
    dead,
  });
}
