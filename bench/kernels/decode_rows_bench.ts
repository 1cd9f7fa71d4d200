/**
 * Sparse decode, also at the wide shape, where decoder rows no longer fit caches.
 * @module
 */
import { decodeRows } from "../../lib/kernels/decode_rows.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "decode_rows",
  cases: (stage) =>
    stage.gathered.map((shape) => {
      const { rows, d, latents, k } = shape;
      const scale = 1 / Math.sqrt(d);
      const recon = stage.room(rows * d);
      const code = stage.code(shape);
      return {
        shape: `${rows} x ${k} of ${latents}, d ${d}`,
        cost: decodeRows.cost({ rows, k, d }),
        footprint: 4 * (code.distinct * d + 2 * rows * k + rows * d),
        commands: decodeRows.record(stage.gpu, {
          code: code.byRow,
          w: stage.matrix(latents, d, 3, scale),
          whole: true,
          bias: stage.vector(d, 4),
          recon,
        }),
        output: recon,
        check: (floats) => {
          let wanted = valueAt(4, 0);
          for (let i = 0; i < k; i++) {
            wanted += code.values[i] * scale * valueAt(3, code.latents[i] * d);
          }
          const error = Math.abs(floats[0] - wanted);
          return error < 1e-4 ? undefined : `it starts with ${floats[0]}, not ${wanted}`;
        },
      };
    }),
};
