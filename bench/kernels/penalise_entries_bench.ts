/**
 * Sparsity penalties on a code: one sum, and one with functions.
 * @module
 */
import { SCALARS } from "../../lib/kernels/common.ts";
import { penaliseEntries, type PenaltyForm } from "../../lib/kernels/penalise_entries.ts";
import { draw } from "../stage.ts";
import type { BenchCase, KernelBench } from "../types.ts";

const FORMS: PenaltyForm[] = [{ kind: "l1" }, { kind: "tanh", scale: 4 }];

/** The bench. */
export const bench: KernelBench = {
  stem: "penalise_entries",
  cases: (stage) =>
    stage.shapes.flatMap((shape) => {
      const { rows, latents, k } = shape;
      const { byRow, values } = stage.code(shape);
      // dz of its own: the code is shared with benches that read what it holds.
      const code = { ...byRow, dz: stage.room(rows * byRow.capacity) };
      const norms = stage.room(latents);
      stage.gpu.device.queue.writeBuffer(norms, 0, draw(latents, 4).map(Math.abs));
      return FORMS.map((form): BenchCase => {
        const sums = stage.room(rows * 2);
        return {
          shape: `${form.kind}, ${rows} x ${k} of ${latents}`,
          cost: penaliseEntries.cost({ rows, k }),
          commands: [penaliseEntries.record(stage.gpu, {
            code,
            form,
            norms: form.kind === "l1" ? undefined : norms,
            coefficient: { buffer: stage.scalars, word: SCALARS.one },
            step: stage.step(k),
            values: sums,
            writesValues: true,
          })],
          output: sums,
          check: (floats) => {
            const wanted = values.subarray(0, k).reduce((sum, v) => sum + v, 0);
            return form.kind === "tanh" || Math.abs(floats[0] / wanted - 1) < 1e-4
              ? undefined
              : `the first row's sum is ${floats[0]}, not ${wanted}`;
          },
        };
      });
    }),
};
