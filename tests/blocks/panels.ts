/**
 * Panels of scores from the host for tests of gates, and the codes that come out.
 * @module
 */
import { createBuffer, type Gpu } from "../../lib/gpu/device.ts";
import type { Command } from "../../lib/gpu/program.ts";
import { readSlices } from "../../lib/gpu/readback.ts";
import type { ScorePanel } from "../../lib/blocks/types.ts";
import { scalePanel } from "../../lib/kernels/scale_panel.ts";
import type { CodeByRow } from "../../lib/kernels/code.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";

/** Scores that the host writes and an "encoder" copies to one panel after the other. */
export interface HostPanels {
  /** The panels; each overwrites the scores of the one before. */
  panels: ScorePanel[];
  /** Writes the scores of the next batch. */
  write(scores: Matrix): void;
}

/** Makes panels of `width` latents. What stands behind the last latent would win if it were looked at. */
export function hostPanels(gpu: Gpu, rows: number, latents: number, width: number): HostPanels {
  const scores = createBuffer(gpu, rows * width * 4, "scores");
  const sources: GPUBuffer[] = [];
  const panels: ScorePanel[] = [];
  for (let first = 0; first < latents; first += width) {
    const source = createBuffer(gpu, rows * width * 4, `scores at ${first}`);
    sources.push(source);
    panels.push({
      commands: (factors) => [
        {
          kind: "copy",
          from: source,
          fromOffset: 0,
          to: scores,
          toOffset: 0,
          size: rows * width * 4,
        } satisfies Command,
        ...factors
          ? [scalePanel.record(gpu, {
            ...{ rows, scores, panel: width, latents: Math.min(width, latents - first) },
            ...{ factors: factors.values, firstLatent: factors.first },
          })]
          : [],
      ],
      firstLatent: first,
      latents: Math.min(width, latents - first),
      scores,
      panel: width,
    });
  }
  return {
    panels,
    write(matrix) {
      sources.forEach((source, p) => {
        const part = new Float32Array(rows * width).fill(1e30);
        matrix.forEach((row, r) => part.set(row.subarray(p * width, (p + 1) * width), r * width));
        gpu.device.queue.writeBuffer(source, 0, part);
      });
    },
  };
}

/** Reads a code. */
export async function readCode(gpu: Gpu, code: CodeByRow): Promise<Code> {
  const [a, b] = await readSlices(gpu, [{ buffer: code.spans }, { buffer: code.entries }]);
  const spans = new Uint32Array(a), latents = new Uint32Array(b), values = new Float32Array(b);
  return Array.from({ length: code.rows }, (_, r) => {
    const row = [];
    for (let e = spans[2 * r]; e < spans[2 * r + 1]; e++) {
      row.push({ latent: latents[2 * e], value: values[2 * e + 1] });
    }
    return row;
  });
}
