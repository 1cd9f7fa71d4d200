/**
 * Loss of nested prefixes: one thread, so only the launch can be seen.
 * @module
 */
import { prefixWord, SCALARS, siteWord } from "../../lib/kernels/common.ts";
import { prefixScalars } from "../../lib/kernels/prefix_scalars.ts";
import { createPrefixTable } from "../../lib/kernels/prefix_table.ts";
import type { KernelBench } from "../types.ts";

const PREFIXES = 5;

/** The bench. */
export const bench: KernelBench = {
  stem: "prefix_scalars",
  cases: (stage) => {
    const { queue } = stage.gpu.device;
    const scalars = stage.room(SCALARS.words);
    queue.writeBuffer(scalars, siteWord(0, "spread") * 4, new Float32Array([8]));
    const squares = stage.room(8);
    queue.writeBuffer(squares, 0, new Float32Array([6, 5, 4, 3, 2]));
    const weight = 1 / PREFIXES;
    return [{
      shape: `${PREFIXES} prefixes`,
      cost: prefixScalars.cost({ prefixes: PREFIXES }),
      commands: [prefixScalars.record(stage.gpu, {
        site: 0,
        kind: "fvu",
        weight: 1,
        factor: 1,
        squares,
        table: createPrefixTable(
          stage.gpu,
          Array.from({ length: PREFIXES }, (_, g) => ({ bound: g + 1, weight })),
        ),
        scalars,
      })],
      output: scalars,
      check: (floats) => {
        const first = floats[prefixWord(0)];
        return first === 0.75 ? undefined : `the first prefix has an fvu of ${first}, not 0.75`;
      },
    }];
  },
};
