/**
 * Encoders of several layers as one: the latents of layer l are numbered from l · dSae on, each looking at its layer.
 * @module
 */
import type { ScoreEncoder } from "../types.ts";

/** Joins encoders whose latents follow one another. */
export function joinEncoders(encoders: readonly ScoreEncoder[]): ScoreEncoder {
  const [{ candidates, scores, panel }] = encoders;
  return {
    candidates,
    scores,
    panel,
    parameters: [...new Set(encoders.flatMap((e) => e.parameters))],
    prepare: () => encoders.flatMap((e) => e.prepare()),
    panels: () => encoders.flatMap((e) => e.panels()),
    backward: (code, add, byRow) => encoders.flatMap((e) => e.backward(code, add, byRow)),
    inputGradient() {
      throw new Error("Encoders of several layers have no input bias");
    },
  };
}

/** An encoder whose latents are numbered from 0, as a gate of one layer wants them. */
export function localLatents(encoder: ScoreEncoder, firstLatent: number): ScoreEncoder {
  return {
    ...encoder,
    panels: () =>
      encoder.panels().map((panel) => ({
        ...panel,
        firstLatent: panel.firstLatent - firstLatent,
      })),
  };
}
