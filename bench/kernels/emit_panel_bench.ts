/**
 * Appending all panels of a batch to lists, with a bar that about k scores a row exceed, and with no bar, which half of
 * the scores do. The form that the wrapper does not take here is timed beside the chosen one.
 * @module
 */
import { createRowLists } from "../../lib/kernels/capacity.ts";
import { emitPanel } from "../../lib/kernels/emit_panel.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { DEMO, type Stage, WIDE } from "../stage.ts";
import type { BenchCase, KernelBench, TrainShape } from "../types.ts";

const PANEL = 1024;

/** Panels with numbers of their own. */
const DISTINCT = 24;

/** Exceeded by about one of a hundred normal numbers. */
const RARE = 2.32;

function one(stage: Stage, shape: TrainShape, bar: number, other: boolean): BenchCase {
  const { rows, latents } = shape;
  const facts = { ...stage.gpu.facts, software: stage.gpu.facts.software !== other };
  const gpu = { ...stage.gpu, facts };
  const share = bar > 0 ? 0.0125 : 0.6;
  const capacity = roundUp(Math.ceil(latents * share) + 64, 4);
  const lists = createRowLists(gpu, rows, { capacity, keep: capacity, slice: Infinity });
  const bars = stage.words(4, () => new Uint32Array(Float32Array.of(bar).buffer)[0]);
  const count = stage.words(4, () => latents);
  const panels = Array.from({ length: latents / PANEL }, (_, p) => p);
  const k = Math.round(PANEL * (bar > 0 ? 0.01 : 0.5));
  const cost = emitPanel.cost({ rows, width: PANEL, k });
  return {
    shape: `${rows} x ${latents}, ${bar > 0 ? "1 %" : "half"} pass`,
    variant: other ? (facts.software ? "thread a row" : "subgroup a row") : undefined,
    cost: { flops: cost.flops * panels.length, bytes: cost.bytes * panels.length },
    commands: panels.map((p) =>
      emitPanel.record(gpu, {
        lists,
        scores: stage.sheet(rows, PANEL, 20 + p % DISTINCT),
        panel: PANEL,
        firstLatent: p * PANEL,
        from: 0,
        latents: PANEL,
        bar: { buffer: bars, word: 0 },
        count,
      })
    ),
    output: lists.code.entries,
    type: "u32",
    check: (_, words) => {
      const rising = words[0] < words[2] && words[2] < words[4];
      return rising ? undefined : "latents of the first row do not ascend";
    },
  };
}

/** The bench. */
export const bench: KernelBench = {
  stem: "emit_panel",
  cases: (stage) => {
    if (stage.bare) return stage.shapes.map((shape) => one(stage, shape, RARE, false));
    const cases = [one(stage, DEMO, RARE, false), one(stage, DEMO, 0, false)];
    if (stage.gpu.facts.subgroupSize > 0) cases.push(one(stage, DEMO, RARE, true));
    if (stage.full) cases.push(one(stage, WIDE, RARE, false));
    return cases;
  },
};
