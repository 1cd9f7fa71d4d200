/**
 * One code a row from the selections of four heads.
 * @module
 */
import { createCodeByRow } from "../../lib/kernels/code.ts";
import { pkmMerge } from "../../lib/kernels/pkm_merge.ts";
import { DEMO } from "../stage.ts";
import type { KernelBench } from "../types.ts";

const HEADS = 4;

/** The bench. */
export const bench: KernelBench = {
  stem: "pkm_merge",
  cases: (stage) => {
    const { rows, latents, k } = DEMO;
    const share = k / HEADS;
    const lists = stage.code({ rows: rows * HEADS, d: 0, latents, k: share }).byRow;
    const code = createCodeByRow(stage.gpu, rows, k);
    return [{
      shape: `${rows} x ${HEADS} x ${share}`,
      cost: pkmMerge.cost({ rows, k, heads: HEADS }),
      commands: [pkmMerge.record(stage.gpu, {
        heads: HEADS,
        lists,
        code,
        proposers: stage.room(rows * k),
      })],
      output: code.entries,
      type: "u32",
      check: (_, words) => {
        for (let i = 1; i < share; i++) {
          if (words[2 * i] <= words[2 * i - 2]) return `entry ${i} of row 0 is out of order`;
        }
      },
    }];
  },
};
