/**
 * Scores of a panel of 1024 latents, with the variants that the wrapper did not choose: what they lose is kept in
 * `bench/NOTES.md`. The wide width is timed always, as it is the work of a real run.
 * @module
 */
import { encodeGemm, type EncodePlan } from "../../lib/kernels/encode_gemm.ts";
import { gridFor } from "../../lib/gpu/kernel.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { PANEL_UNIT } from "../../lib/kernels/encode_gemm.ts";
import { DEMO, type Stage, valueAt, WIDE } from "../stage.ts";
import type { BenchCase, KernelBench } from "../types.ts";

const PANEL = 1024;
const ROWS = 2048;

function one(stage: Stage, d: number, variant?: string, defines?: EncodePlan["defines"]) {
  const { gpu } = stage;
  const shape = { rows: ROWS, latents: PANEL, d };
  const scale = 1 / Math.sqrt(d);
  const scores = stage.room(ROWS * PANEL);
  const x = stage.sheet(ROWS, d, 1), w = stage.sheet(PANEL, d, 3, scale);
  const bias = stage.vector(PANEL, 4);
  const chosen = encodeGemm.plan(shape, gpu.facts).defines;
  const used = defines ?? chosen;
  const tiles = roundUp(PANEL, PANEL_UNIT) / (used.LANES * 4);
  const groups = tiles * (roundUp(ROWS, PANEL_UNIT) / used.ROWS);
  const made: BenchCase = {
    shape: `${ROWS} x ${d} x ${PANEL}`,
    variant,
    cost: encodeGemm.cost(shape),
    commands: [encodeGemm.kernel.dispatch(gpu, {
      defines: used,
      dims: { d4: d / 4, firstLatent: 0, firstBias: 0, panel4: PANEL / 4, tiles, groups },
      buffers: { x, w, bias, scores },
      groups: gridFor(groups * used.LANES, used.GROUP, gpu.facts.maxGroups),
    })],
    output: scores,
    check: (floats) => {
      let wanted = valueAt(4, 1);
      for (let j = 0; j < d; j++) wanted += valueAt(1, j) * scale * valueAt(3, d + j);
      const error = Math.abs(floats[1] - wanted);
      return error < 1e-4 ? undefined : `score of latent 1 is ${floats[1]}, not ${wanted}`;
    },
  };
  return made;
}

/** The bench. */
export const bench: KernelBench = {
  stem: "encode_gemm",
  cases: (stage) => {
    const lanes = stage.gpu.facts.subgroupSize;
    const chosen = encodeGemm.plan({ rows: ROWS, latents: PANEL, d: DEMO.d }, stage.gpu.facts);
    const registers = { SUBGROUPS: 0, LANES: 8, ROWS: 8, GROUP: 64 };
    const cases = [one(stage, DEMO.d), one(stage, WIDE.d)];
    if (chosen.variant === "subgroup") {
      const tall = { SUBGROUPS: 1, LANES: lanes, ROWS: 64, GROUP: lanes };
      cases.push(one(stage, DEMO.d, `subgroup 64x${lanes * 4}`, tall));
      cases.push(one(stage, DEMO.d, "registers 8x4", registers));
    }
    if (stage.full) cases.push(one(stage, 2304));
    return cases;
  },
};
