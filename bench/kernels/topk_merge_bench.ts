/**
 * Merging all panels of a batch into its running lists. The forms that the wrapper does not take first are timed
 * beside the chosen one.
 * @module
 */
import { createRunningBest, topkMerge } from "../../lib/kernels/topk_merge.ts";
import { DEMO, type Stage, WIDE } from "../stage.ts";
import type { BenchCase, KernelBench, TrainShape } from "../types.ts";

const PANEL = 1024;

/** Panels with numbers of their own: those of the largest dictionaries would be gigabytes. */
const DISTINCT = 24;

function one(stage: Stage, { rows, latents, k }: TrainShape, variant?: string): BenchCase {
  const tuning = variant ? { topk_merge: variant } : stage.gpu.facts.tuning;
  const gpu = { ...stage.gpu, facts: { ...stage.gpu.facts, tuning } };
  const best = createRunningBest(gpu, rows, k);
  const count = stage.words(4, () => latents);
  const panels = Array.from({ length: latents / PANEL }, (_, p) => p);
  const first = stage.sheet(rows, PANEL, 20);
  const cost = topkMerge.cost({ rows, width: PANEL, k });
  return {
    shape: `${rows} x ${latents}, k ${k}`,
    variant,
    cost: { flops: cost.flops * panels.length, bytes: cost.bytes * panels.length },
    commands: panels.map((p) =>
      topkMerge.record(gpu, {
        best,
        scores: p === 0 ? first : stage.sheet(rows, PANEL, 20 + p % DISTINCT),
        panel: PANEL,
        width: PANEL,
        firstLatent: p * PANEL,
        latents,
        count,
        step: stage.step(k),
      })
    ),
    output: best.score,
    check: (floats) => {
      // Of thousands of normal numbers the k largest are all well above 1.5.
      const least = Math.min(...floats.subarray(0, k));
      return least > 1.5 && least < 5 ? undefined : `the least of row 0's best is ${least}`;
    },
  };
}

/** The bench. */
export const bench: KernelBench = {
  stem: "topk_merge",
  cases: (stage) => {
    const cases = stage.shapes.map((shape) => one(stage, shape));
    if (stage.bare) return cases;
    const { facts } = stage.gpu;
    const [, ...others] = topkMerge.variants(facts, { capacity: DEMO.k, panel: PANEL });
    for (const { name } of others) cases.push(one(stage, DEMO, name));
    if (stage.full) cases.push(one(stage, { ...WIDE, k: 64 }));
    return cases;
  },
};
