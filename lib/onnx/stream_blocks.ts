/**
 * Residual steps as blocks: attention and MLP in turn, or side by side in a parallel-residual block.
 * @module
 */
import type { Branch, StreamStep } from "./stream_sum.ts";

/** One block of a model. */
export interface Block {
  /** Two steps, or one of a parallel block. */
  steps: StreamStep[];
  /** What attention adds, and the stream that its branch leaves. */
  attention: { branch: Branch; before: string };
  /** What the MLP adds, and the stream that its branch leaves. */
  mlp: { branch: Branch; before: string };
}

/** Blocks of attention and MLP; undefined when the steps are something else. */
export function blocksOf(steps: readonly StreamStep[]): Block[] | undefined {
  const blocks: Block[] = [];
  for (let i = 0; i < steps.length;) {
    const width = steps[i].branches.length === 2 ? 1 : 2;
    const own = steps.slice(i, i + width);
    const parts = own.flatMap((step) =>
      step.branches.map((branch) => ({ branch, before: step.before }))
    );
    if (own.length !== width || parts.length !== 2) return undefined;
    const attention = parts.find((part) => part.branch.kind === "attention");
    const mlp = parts.find((part) => part.branch.kind === "mlp");
    if (!attention || !mlp) return undefined;
    if (width === 2 && parts[0] !== attention) return undefined;
    blocks.push({ steps: own, attention, mlp });
    i += width;
  }
  return blocks;
}
