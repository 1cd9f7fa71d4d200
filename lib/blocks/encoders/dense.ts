/**
 * The dense encoder: `h = (x - b_pre) W_encᵀ + b_enc`, a panel of latents at a time, never all of them at once.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard, type Rows } from "../../gpu/rows.ts";
import type { CodeByLatent } from "../../kernels/code.ts";
import { encodeGemm, PANEL_UNIT } from "../../kernels/encode_gemm.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import { roundUp } from "../../tensor/shards.ts";
import { gradOf, type Parameter, vectorOf, type Workspace } from "../types.ts";

/** Scores of latents [firstLatent, firstLatent + latents), and the commands that make them. */
export interface ScorePanel {
  /** Commands that fill `scores`. */
  commands: Command[];
  /** First latent. */
  firstLatent: number;
  /** Latents, without padding. */
  latents: number;
  /** f32 [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
}

/** The dense encoder of a model. */
export interface DenseEncoder {
  /** How candidates arise: every latent is scored. */
  readonly candidates: "dense";
  /** f32 [rows, panel]: scores of the panel that was made last. */
  readonly scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  readonly panel: number;
  /** All panels in ascending order; each overwrites the scores of the one before. */
  panels(): ScorePanel[];
  /** Gradients of W_enc and b_enc from a code by latent whose dz are known. */
  backward(code: CodeByLatent, add: boolean): Command[];
}

/** Latents of a panel at most: enough for large tiles, few enough for the scores to stay in caches. */
const PANEL = 1024;

/** Latents of a panel of `rows` rows: all of them, or what PANEL and one binding allow. */
function panelFor(rows: number, dSae: number, maxBindingBytes: number): number {
  const rowBytes = roundUp(rows, PANEL_UNIT) * 4;
  const bound = Math.floor(maxBindingBytes / rowBytes / PANEL_UNIT) * PANEL_UNIT;
  return Math.min(PANEL, Math.max(PANEL_UNIT, bound), roundUp(dSae, PANEL_UNIT));
}

/** Makes the encoder. `wEnc` is [dSae, dIn], `bEnc` a vector [dSae]. */
export function denseEncoder(
  gpu: Gpu,
  space: Workspace,
  wEnc: Parameter,
  bEnc: Parameter,
): DenseEncoder {
  const rows = space.x.rows;
  const d = wEnc.value.cols;
  const panel = panelFor(rows, wEnc.value.rows, gpu.facts.maxBindingBytes);
  const scores = createBuffer(gpu, roundUp(rows, PANEL_UNIT) * panel * 4, "scores");
  const score = (w: Rows["shards"][number], first: number, latents: number): ScorePanel => ({
    commands: [encodeGemm.record(gpu, {
      rows,
      latents,
      d,
      x: onlyShard(space.centred),
      w: w.buffer,
      firstLatent: first,
      bias: vectorOf(bEnc),
      firstBias: w.firstRow + first,
      scores,
      panel,
    })],
    firstLatent: w.firstRow + first,
    latents,
    scores,
    panel,
  });
  return {
    candidates: "dense",
    scores,
    panel,
    panels: () =>
      wEnc.value.shards.flatMap((shard) => {
        const list: ScorePanel[] = [];
        for (let first = 0; first < shard.rows; first += panel) {
          list.push(score(shard, first, Math.min(panel, shard.rows - first)));
        }
        return list;
      }),
    backward: (code, add) =>
      gradLatents.record(gpu, {
        code,
        weight: "dz",
        rows: onlyShard(space.centred),
        grad: wEnc.grad,
        gradBias: gradOf(bEnc),
        scalars: space.scalars,
        scaleWord: 0,
        add,
      }),
  };
}
