/**
 * The softmax of eight heads on sequences of 128 rows, and of 1024 at the wide shape, both ways.
 * @module
 */
import { causalSoftmax } from "../../lib/kernels/causal_softmax.ts";
import { DEMO, WIDE } from "../stage.ts";
import type { KernelBench } from "../types.ts";
import { stripOf } from "./attention_product_bench.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "causal_softmax",
  cases: (stage) =>
    [[DEMO, 128] as const, ...stage.full ? [[WIDE, 1024] as const] : []].flatMap(
      ([shape, length]) => {
        const strip = stripOf(shape, length);
        const rows = strip.heads * shape.rows;
        // Both ways work in place: values stay finite however often they run.
        const pattern = stage.sheet(rows, length, 11);
        const grad = stage.sheet(rows, length, 12);
        return [false, true].map((backward) => ({
          shape: `${backward ? "backward" : "forward"} ${shape.rows} rows of ${length}, ` +
            `${strip.heads} heads`,
          cost: causalSoftmax.cost({ rows, n: length }),
          commands: [
            causalSoftmax.record(stage.gpu, { strip, factor: 0.125, pattern, grad, backward }),
          ],
          output: pattern,
        }));
      },
    ),
};
