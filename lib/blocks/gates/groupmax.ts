/**
 * The GroupMax gate: the largest score of each of k groups of neighbouring latents, then ReLU; ties to the lowest latent.
 * Latents that do not divide evenly go to the first groups, one each, so that every latent can fire.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import { createCodeByRow } from "../../kernels/code.ts";
import { groupMax, planGroups } from "../../kernels/group_max.ts";
import { topkFinish } from "../../kernels/topk_finish.ts";
import { createRunningBest } from "../../kernels/topk_merge.ts";
import type { Gate } from "../types.ts";

/** Makes the gate; `k` is the number of groups, fixed for the run. */
export function groupMaxGate(
  gpu: Gpu,
  { rows, latents, k }: { rows: number; latents: number; k: number },
): Gate {
  const groups = planGroups(latents, k);
  const best = createRunningBest(gpu, rows, k);
  const code = createCodeByRow(gpu, rows, k);
  const scratch = createBuffer(gpu, rows * code.capacity * 8, "sort scratch");
  return {
    scope: "row",
    codes: [{ code, weight: 1, trainsDecoder: true }],
    parameters: [],
    state: [],
    forward: (panels) => ({
      panels: panels.map(({ commands, scores, panel, firstLatent, latents }) => [
        ...commands(),
        groupMax.record(gpu, { best, groups, scores, panel, firstLatent, latents }),
      ]),
      finish: [topkFinish.record(gpu, { best, code, scratch })],
    }),
  };
}
