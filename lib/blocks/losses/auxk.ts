/**
 * AuxK: the dead latents with the largest scores try to reconstruct the error of the live ones.
 *
 * `ê = Σ_{j in top-k_aux of the dead} ReLU(h_j) W_dec[j]`, `L_aux = Σ‖E - ê‖² / Σ‖E - Ē‖²`, E the error without gradient,
 * no bias in ê, zero where nothing is dead. Source: architectures spec, section 2, "Recommend".
 * Only the dead latents' rows are gathered and scored, and where none is dead no group is launched.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Dispatch } from "../../gpu/kernel.ts";
import type { Command } from "../../gpu/program.ts";
import { createRows, onlyShard } from "../../gpu/rows.ts";
import { type CodeByLatent, createCodeByLatent, SCAN_CHUNK } from "../../kernels/code.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { SCALARS, STEP } from "../../kernels/common.ts";
import { encodeGemm, PANEL_UNIT } from "../../kernels/encode_gemm.ts";
import { gatherRows } from "../../kernels/gather_rows.ts";
import { listDead } from "../../kernels/list_dead.ts";
import { lossScalars } from "../../kernels/loss_scalars.ts";
import { type Guarded, planIndirect } from "../../kernels/plan_indirect.ts";
import { residualRows, STATS } from "../../kernels/residual_rows.ts";
import { scanCounts } from "../../kernels/scan_counts.ts";
import { trackFiring } from "../../kernels/track_firing.ts";
import { roundUp } from "../../tensor/shards.ts";
import type { RowsDecoder } from "../decoders/rows.ts";
import type { DenseEncoder, ScorePanel } from "../encoders/dense.ts";
import { topkGate } from "../gates/topk.ts";
import { type Parameter, vectorOf, type Workspace } from "../types.ts";

/** Counters of the latents, and the list of the dead. */
export interface DeadLatents {
  /** u32 [dSae]: tokens since a latent last fired. */
  readonly sinceFired: GPUBuffer;
  /** u32 [dSae]: tokens on which it fired since the host cleared it. */
  readonly fired: GPUBuffer;
  /** u32: word 0 is the number of dead latents. */
  readonly deadCount: GPUBuffer;
  /** u32 [dSae]: the dead ones in ascending order. */
  readonly list: GPUBuffer;
  /** Updates all of this from the counts of a batch. */
  track(counts: GPUBuffer): Command[];
}

/** Makes the counters. */
export function deadLatents(
  gpu: Gpu,
  options: { rows: number; dSae: number; deadAfter: number },
): DeadLatents {
  const { rows, dSae, deadAfter } = options;
  const words = (label: string, n: number) => createBuffer(gpu, n * 4, label);
  const sinceFired = words("since fired", dSae);
  const fired = words("fired", dSae);
  const dead = words("dead", dSae);
  const offsets = words("dead offsets", dSae + 1);
  const chunkStarts = words("dead chunk starts", Math.ceil(dSae / SCAN_CHUNK));
  const list = words("dead list", dSae);
  const deadCount = words("dead count", 4);
  return {
    sinceFired,
    fired,
    deadCount,
    list,
    track: (counts) => [
      trackFiring.record(gpu, { latents: dSae, rows, deadAfter, counts, sinceFired, fired, dead }),
      ...scanCounts.record(gpu, { n: dSae, counts: dead, chunkStarts, offsets }),
      listDead.record(gpu, { latents: dSae, dead, offsets, list }),
      {
        kind: "copy",
        from: offsets,
        fromOffset: dSae * 4,
        to: deadCount,
        toOffset: 0,
        size: 4,
      },
    ],
  };
}

/** The AuxK loss. */
export interface AuxkLoss {
  /** Selection among the dead, decode, loss and all its gradients, added to those of the main loss. */
  forwardBackward(): Command[];
}

/** What AuxK works on. */
export interface AuxkOptions {
  /** Coefficient of the loss. */
  alpha: number;
  /** Most dead latents a row. */
  kAux: number;
  /** Encoder parameters. */
  wEnc: Parameter;
  /** Encoder bias. */
  bEnc: Parameter;
  /** The model's encoder: its panel is used again. */
  encoder: DenseEncoder;
  /** The model's decoder. */
  decoder: RowsDecoder;
  /** Which latents are dead. */
  dead: DeadLatents;
}

/** Makes the loss. */
export function auxkLoss(gpu: Gpu, space: Workspace, options: AuxkOptions): AuxkLoss {
  const { alpha, kAux, wEnc, bEnc, encoder, decoder, dead } = options;
  const { rows, cols, stride } = space.recon;
  const dSae = wEnc.value.rows;
  const step = createBuffer(gpu, STEP.words * 4, "aux step");
  gpu.device.queue.writeBuffer(step, STEP.k * 4, new Uint32Array([kAux]));
  const gate = topkGate(gpu, {
    rows,
    kMax: kAux,
    step,
    count: dead.deadCount,
    map: dead.list,
  });
  const byLatent: CodeByLatent = createCodeByLatent(gpu, rows, kAux, dSae);
  const recon = createRows(gpu, "aux recon", rows, cols);
  const residual = createRows(gpu, "aux residual", rows, cols);
  const stats = createBuffer(gpu, rows * STATS * 4, "aux stats");
  const sums = createBuffer(gpu, STATS * 4, "aux sums");
  const errorSum = createBuffer(gpu, stride * 4, "error sum");
  const site = { code: gate.code, byLatent, recon, residual, scaleWord: SCALARS.auxScale };

  return {
    forwardBackward() {
      const panels = deadPanels(gpu, space, { wEnc, bEnc, encoder, dead });
      const guarded: (Guarded | Exclude<Command, Dispatch>)[] = [];
      const add = (commands: readonly Command[], above: number) => {
        for (const c of commands) guarded.push("kind" in c ? c : { dispatch: c, above });
      };
      // A panel runs when the list reaches it; what follows the panels runs when anything is dead.
      const selection = gate.forward(panels);
      selection.panels.forEach((commands, i) => add(commands, panels[i].firstLatent));
      add(selection.finish, 0);
      add(decoder.forward(site, false), 0);
      add(columnSums.record(gpu, { shards: space.residual.shards, stride, sums: errorSum }), 0);
      add([
        residualRows.record(gpu, {
          rows,
          d: cols,
          target: onlyShard(space.residual),
          recon: onlyShard(recon),
          meanSum: errorSum,
          meanFactor: 1 / rows,
          residual: onlyShard(residual),
          stats,
        }),
        ...columnSums.record(gpu, {
          shards: [{ buffer: stats, rows, firstRow: 0 }],
          stride: STATS,
          sums,
        }),
        lossScalars.record(gpu, {
          of: "aux",
          alpha,
          sums,
          deadCount: dead.deadCount,
          deadPlace: 0,
          scalars: space.scalars,
        }),
        ...decoder.count(site),
        ...decoder.backward(site, true),
        ...encoder.backward(byLatent, true),
      ], 0);
      return planIndirect.record(gpu, dead.deadCount, 0, guarded);
    },
  };
}

/** Panels of the dead latents: rows gathered from W_enc by the list, scored into the encoder's panel. */
function deadPanels(
  gpu: Gpu,
  space: Workspace,
  options: Pick<AuxkOptions, "wEnc" | "bEnc" | "encoder" | "dead">,
): ScorePanel[] {
  const { wEnc, bEnc, encoder, dead } = options;
  const dSae = wEnc.value.rows;
  const panel = encoder.panel;
  const gathered = createRows(gpu, "dead rows", panel, wEnc.value.cols);
  const bias = createBuffer(gpu, roundUp(panel, PANEL_UNIT) * 4, "dead biases");
  const panels: ScorePanel[] = [];
  for (let first = 0; first < dSae; first += panel) {
    const latents = Math.min(panel, dSae - first);
    panels.push({
      commands: [
        ...gatherRows.record(gpu, {
          list: dead.list,
          count: dead.deadCount,
          first,
          width: latents,
          w: wEnc.value,
          bias: vectorOf(bEnc),
          panel: onlyShard(gathered),
          panelBias: bias,
        }),
        encodeGemm.record(gpu, {
          rows: space.x.rows,
          latents,
          d: wEnc.value.cols,
          x: onlyShard(space.centred),
          w: onlyShard(gathered),
          firstLatent: 0,
          bias,
          firstBias: 0,
          scores: encoder.scores,
          panel,
        }),
      ],
      firstLatent: first,
      latents,
      scores: encoder.scores,
      panel,
    });
  }
  return panels;
}
