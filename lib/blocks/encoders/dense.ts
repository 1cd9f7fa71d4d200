/**
 * The dense encoder: `h = (x - b_pre) W_encᵀ + b_enc`, a panel of latents at a time, never all of them at once.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import { onlyShard, type Rows } from "../../gpu/rows.ts";
import { encodeGemm, PANEL_UNIT } from "../../kernels/encode_gemm.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import { roundUp } from "../../tensor/shards.ts";
import { centerRows } from "../../kernels/center_rows.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import {
  gradOf,
  type Parameter,
  type ScoreEncoder,
  type ScorePanel,
  vectorOf,
  type Workspace,
} from "../types.ts";

/** Latents of a panel at most: enough for large tiles, few enough for the scores to stay in caches. */
const PANEL = 1024;

/** Latents of a panel of `rows` rows: all of them, or what PANEL and one binding allow. */
export function panelFor(rows: number, dSae: number, maxBindingBytes: number): number {
  const rowBytes = roundUp(rows, PANEL_UNIT) * 4;
  const bound = Math.floor(maxBindingBytes / rowBytes / PANEL_UNIT) * PANEL_UNIT;
  return Math.min(PANEL, Math.max(PANEL_UNIT, bound), roundUp(dSae, PANEL_UNIT));
}

/** What the encoder works with. */
export interface DenseEncoderOptions {
  /** [dSae, dIn]. */
  wEnc: Parameter;
  /** Vector [dSae]. */
  bEnc: Parameter;
  /** Vector [dIn] that is taken from the input; the workspace has an input bias then. */
  inputBias?: Parameter;
  /** Number of the first latent, in models where several encoders share the numbers and `bEnc`; 0 when absent. */
  firstLatent?: number;
  /** Scores of another encoder of the same shape, which this one may overwrite. */
  scores?: GPUBuffer;
}

/** Makes the encoder. */
export function denseEncoder(
  gpu: Gpu,
  space: Workspace,
  { wEnc, bEnc, inputBias, firstLatent: base = 0, scores: shared }: DenseEncoderOptions,
): ScoreEncoder {
  const rows = space.x.rows;
  const d = wEnc.value.cols;
  const panel = panelFor(rows, wEnc.value.rows, gpu.facts.maxBindingBytes);
  const scores = shared ??
    createBuffer(gpu, roundUp(rows, PANEL_UNIT) * panel * 4, "scores");
  const loaded = encodeGemm.load(gpu, onlyShard(space.centred), rows, { rows, latents: panel, d });
  const score = (w: Rows["shards"][number], first: number, latents: number): ScorePanel => ({
    commands: (factors) =>
      encodeGemm.record(gpu, {
        rows,
        latents,
        d,
        x: loaded.rows,
        w: w.buffer,
        firstLatent: first,
        bias: vectorOf(bEnc),
        firstBias: base + w.firstRow + first,
        factors: factors?.values,
        firstFactor: factors?.first,
        scores,
        panel,
      }),
    firstLatent: base + w.firstRow + first,
    latents,
    scores,
    panel,
  });
  return {
    candidates: "dense",
    parameters: [wEnc, bEnc],
    latentRows: { w: wEnc, b: bEnc },
    scores,
    panel,
    loaded: loaded.rows,
    prepare: () => [
      ...inputBias
        ? [centerRows.record(gpu, {
          rows,
          d,
          x: onlyShard(space.x),
          bias: vectorOf(inputBias),
          centred: onlyShard(space.centred),
        })]
        : [],
      ...loaded.commands,
    ],
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
        rows: loaded.rows,
        grad: wEnc.grad,
        firstLatent: base,
        gradBias: gradOf(bEnc),
        scalars: space.scalars,
        scaleWord: 0,
        add,
      }),
    inputGradient: (sum) =>
      columnSums.record(gpu, {
        shards: wEnc.value.shards,
        stride: wEnc.value.stride,
        weights: gradOf(bEnc),
        sums: sum,
      }),
  };
}
