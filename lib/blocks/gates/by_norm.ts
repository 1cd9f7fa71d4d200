/**
 * Any gate on `s = h · n`, n the norm of a latent's decoder row, with values f = h (`sparsity_include_decoder_norm`).
 * n gets no gradient: neither the choice nor the value depends on it smoothly. Source: architectures spec, 0.3 and 1.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { scalePanel } from "../../kernels/scale_panel.ts";
import { unscaleEntries } from "../../kernels/unscale_entries.ts";
import type { DecoderNorms, Gate } from "../types.ts";

/** What scores are multiplied with. */
export interface ByNormOptions {
  /** Rows of a batch. */
  rows: number;
  /** Lengths of the decoder rows. */
  norms: Pick<DecoderNorms, "values" | "refresh">;
  /** u32: latents behind the numbers of the panels, when they are places in a list. */
  map?: GPUBuffer;
}

/**
 * Makes `gate` compare scores times norms. Panels are scaled as they are made, or where they lie when their latents are
 * places in a list, and values divided at the end, so that it works for every gate.
 */
export function gateByNorm(gpu: Gpu, gate: Gate, { rows, norms, map }: ByNormOptions): Gate {
  return {
    ...gate,
    forward(panels) {
      const scaled = panels.map((panel, i) => ({
        ...panel,
        commands: () => [
          ...i === 0 ? norms.refresh() : [],
          ...map
            ? [
              ...panel.commands(),
              scalePanel.record(gpu, { ...panel, rows, factors: norms.values, map }),
            ]
            : panel.commands({ values: norms.values, first: panel.firstLatent }),
        ],
      }));
      const { panels: chosen, finish } = gate.forward(scaled);
      return {
        panels: chosen,
        finish: [
          ...finish,
          ...gate.codes.map(({ code }) => unscaleEntries.record(gpu, code, norms.values)),
        ],
      };
    },
  };
}
