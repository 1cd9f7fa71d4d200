/**
 * GroupMax: the largest score of each of k groups of neighbouring latents, then ReLU; ties to the lowest latent.
 * Latents that k does not divide evenly go to the first groups, one each.
 * @module
 */
import { panelCoder } from "../../blocks/coders/panels.ts";
import { groupMaxGate } from "../../blocks/gates/groupmax.ts";
import { byNorm } from "./by_norm.ts";
import type { ActivationPart } from "./types.ts";

/** The activation. */
export const groupMaxActivation: ActivationPart = {
  name: "groupmax",
  doc: "f = ReLU(the largest h of each of k equal groups of latents)",
  coder(context, encoder) {
    const { gpu, options: { rows, dSae, k } } = context;
    return panelCoder(encoder, byNorm(context, groupMaxGate(gpu, { rows, latents: dSae, k })));
  },
  record: ({ k }) => ({ name: "groupmax", k }),
};
