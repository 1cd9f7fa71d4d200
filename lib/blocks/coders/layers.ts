/**
 * A coder of several layers that each select by themselves: their codes, joined to one.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { appendCode } from "../../kernels/append_code.ts";
import { createCodeByRow } from "../../kernels/code.ts";
import type { Coder, ScoreEncoder } from "../types.ts";

/**
 * Joins the coders of all layers. Gradients go through `encoder`, which knows the latents of all layers.
 * @param latents latents of a layer
 */
export function joinCoders(
  gpu: Gpu,
  coders: readonly Coder[],
  encoder: ScoreEncoder,
  latents: number,
): Coder {
  const codes = coders.map((c) => c.codes[0].code);
  const capacity = codes.reduce((n, code) => n + code.capacity, 0);
  const code = createCodeByRow(gpu, codes[0].rows, capacity);
  return {
    scope: coders[0].scope,
    candidates: encoder.candidates,
    parameters: encoder.parameters,
    state: coders.flatMap((c, l) => c.state.map((s) => ({ ...s, name: `${s.name}_${l}` }))),
    codes: [{ code, weight: 1, trainsDecoder: true }],
    penalised: 0,
    forward: () => [
      ...coders.flatMap((c) => c.forward()),
      ...appendCode.record(gpu, codes, latents, code),
    ],
    backward: ([site]) => encoder.backward(site.byLatent, false, site.code),
    inputGradient: encoder.inputGradient,
    afterStep: () => coders.flatMap((c) => c.afterStep?.() ?? []),
  };
}
