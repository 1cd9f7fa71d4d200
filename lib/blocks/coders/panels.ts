/**
 * A coder of an encoder that makes panels of scores and a gate that consumes them.
 * @module
 */
import type { Coder, Gate, ScoreEncoder } from "../types.ts";

/** Joins them: the derivative by a value is the derivative by its score, for the scores that the gate let through. */
export function panelCoder(encoder: ScoreEncoder, gate: Gate): Coder {
  return {
    scope: gate.scope,
    candidates: encoder.candidates,
    parameters: [...encoder.parameters, ...gate.parameters],
    state: gate.state,
    codes: gate.codes,
    penalised: 0,
    encoder,
    thresholds: gate.thresholds,
    forward() {
      const { panels, finish } = gate.forward(encoder.panels());
      return [...encoder.prepare(), ...panels.flat(), ...finish];
    },
    backward: (sites, decoder, penalty) => [
      ...sites.flatMap((site) => encoder.backward(site.byLatent, site.index > 0, site.code)),
      ...gate.backward?.(sites, decoder, penalty) ?? [],
    ],
    inputGradient: encoder.inputGradient,
    afterStep: () => gate.afterStep?.() ?? [],
  };
}
