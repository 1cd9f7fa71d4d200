/**
 * Any gate on `s = h · n`, n the norm of a latent's decoder row, with values f = h (`sparsity_include_decoder_norm`).
 * n gets no gradient: neither the choice nor the value depends on it smoothly. Source: architectures spec, 0.3 and 1.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Rows } from "../../gpu/rows.ts";
import { rowNorms } from "../../kernels/row_norms.ts";
import { scalePanel } from "../../kernels/scale_panel.ts";
import { unscaleEntries } from "../../kernels/unscale_entries.ts";
import type { Gate } from "../types.ts";

/** What norms are taken of. */
export interface ByNormOptions {
  /** Rows of a batch. */
  rows: number;
  /** Decoder rows [latents, dOut]. */
  wDec: Rows;
  /** u32: latents behind the numbers of the panels, when they are places in a list. */
  map?: GPUBuffer;
}

/**
 * Makes `gate` compare scores times norms. Panels are scaled where they lie and values divided at the end, so that it
 * works for every gate; that reads and writes each panel once more, a few percent of what its scores cost.
 */
export function gateByNorm(gpu: Gpu, gate: Gate, { rows, wDec, map }: ByNormOptions): Gate {
  const norms = createBuffer(gpu, wDec.rows * 4, "decoder norms");
  return {
    ...gate,
    forward(panels) {
      const scaled = panels.map((panel, i) => ({
        ...panel,
        commands: [
          ...i === 0 ? rowNorms.record(gpu, wDec, norms) : [],
          ...panel.commands,
          scalePanel.record(gpu, { ...panel, rows, factors: norms, map }),
        ],
      }));
      const { panels: chosen, finish } = gate.forward(scaled);
      return {
        panels: chosen,
        finish: [
          ...finish,
          ...gate.codes.map(({ code }) => unscaleEntries.record(gpu, code, norms)),
        ],
      };
    },
  };
}
