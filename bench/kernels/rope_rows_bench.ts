/**
 * Rotary positions of eight heads of width 64, both ways.
 * @module
 */
import { createTurns, ropeRows } from "../../lib/kernels/rope_rows.ts";
import type { KernelBench } from "../types.ts";

const HEADS = 8;
const HEAD = 64;
const LENGTH = 128;
const ROTARY = { dim: HEAD, base: 10000, adjacentPairs: false, copies: 1 };

/** The bench. */
export const bench: KernelBench = {
  stem: "rope_rows",
  cases: (stage) =>
    stage.shapes.flatMap(({ rows }) => {
      const turns = createTurns(stage.gpu, ROTARY, LENGTH);
      const stride = HEADS * HEAD;
      return [false, true].map((inverse) => {
        const out = stage.room(rows * stride);
        return {
          shape: `${inverse ? "inverse" : "forward"} ${rows} x ${HEADS} x ${HEAD}`,
          cost: ropeRows.cost({ rows, width: stride }),
          commands: [ropeRows.record(stage.gpu, {
            rows,
            length: LENGTH,
            heads: HEADS,
            width: HEAD,
            rotary: ROTARY,
            turns,
            x: stage.sheet(rows, stride, 1),
            out,
            stride,
            wideStride: stride,
            inverse,
          })],
          output: out,
        };
      });
    }),
};
