/**
 * RMS norm of eight heads of width 64, both ways.
 * @module
 */
import { rmsRows } from "../../lib/kernels/rms_rows.ts";
import type { KernelBench } from "../types.ts";

const HEADS = 8;
const HEAD = 64;

/** The bench. */
export const bench: KernelBench = {
  stem: "rms_rows",
  cases: (stage) =>
    stage.shapes.flatMap(({ rows }) => {
      const stride = HEADS * HEAD;
      return [false, true].map((backward) => {
        // The derivative works in place: it becomes ever smaller, but stays finite.
        const y = backward ? stage.sheet(rows, stride, 13) : stage.room(rows * stride);
        const parts = stage.room(rows * stride);
        return {
          shape: `${backward ? "backward" : "forward"} ${rows} x ${HEADS} x ${HEAD}`,
          cost: rmsRows.cost({ rows, width: stride }),
          commands: [rmsRows.record(stage.gpu, {
            rows,
            heads: HEADS,
            width: HEAD,
            stride,
            eps: 1e-6,
            x: stage.sheet(rows, stride, 1),
            w: stage.vector(stride, 2),
            y,
            parts,
            backward,
          })],
          output: backward ? parts : y,
        };
      });
    }),
};
