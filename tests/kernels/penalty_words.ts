/**
 * The state of a penalty as the device stores it.
 * @module
 */
import { PENALTY_STATE } from "../../lib/kernels/penalty_state.ts";
import type { PenaltyState } from "../../lib/reference/penalty_coefficient.ts";

/** Words of a state. */
export function stateWords(state: PenaltyState): number[] {
  const words = new Array<number>(PENALTY_STATE.words).fill(0);
  words[PENALTY_STATE.control] = state.control;
  words[PENALTY_STATE.integral] = state.integral;
  words[PENALTY_STATE.smooth] = state.smooth ?? 0;
  words[PENALTY_STATE.started] = state.smooth === undefined ? 0 : 1;
  words[PENALTY_STATE.logAnneal] = state.logAnneal;
  words[PENALTY_STATE.slow] = state.slow ?? 0;
  words[PENALTY_STATE.firstError] = state.firstError ?? 0;
  words[PENALTY_STATE.exponent] = state.exponent ?? 0;
  words[PENALTY_STATE.known] = state.history.length;
  state.history.forEach((pair, i) =>
    pair.forEach((v, j) => words[PENALTY_STATE.history + 2 * i + j] = v)
  );
  return words;
}
