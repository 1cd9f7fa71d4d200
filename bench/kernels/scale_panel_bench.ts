/**
 * Scaling one panel.
 * @module
 */
import { scalePanel } from "../../lib/kernels/scale_panel.ts";
import type { KernelBench } from "../types.ts";

const PANEL = 1024;

/** The bench. */
export const bench: KernelBench = {
  stem: "scale_panel",
  cases: (stage) => {
    const rows = 2048;
    const scores = stage.room(rows * PANEL);
    // The factor 1, so that values stay finite however often the bench repeats itself.
    const one = new Uint32Array(Float32Array.of(1).buffer)[0];
    stage.gpu.device.queue.writeBuffer(scores, 0, new Float32Array(rows * PANEL).fill(2));
    return [{
      shape: `${rows} x ${PANEL}`,
      cost: scalePanel.cost({ rows, width: PANEL }),
      commands: [scalePanel.record(stage.gpu, {
        rows,
        scores,
        panel: PANEL,
        firstLatent: 0,
        latents: PANEL,
        factors: stage.words(PANEL, () => one),
      })],
      output: scores,
      check: (floats) => floats.every((v) => v === 2) ? undefined : "times one is not the same",
    }];
  },
};
