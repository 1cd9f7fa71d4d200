/**
 * AuxK: the dead latents with the largest scores try to reconstruct the error of the live ones.
 *
 * `ê = Σ_{j in top-k_aux of the dead} ReLU(h_j) W_dec[j]`, `L_aux = Σ‖E - ê‖² / Σ‖E - Ē‖²`, E the error without gradient,
 * no bias in ê, zero where nothing is dead. Source: architectures spec, section 2, "Recommend".
 * Only the dead latents' rows are gathered and scored, and where none is dead no group is launched. An encoder whose
 * latents do not all look at the same rows scores all panels again, and the live latents are masked.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Dispatch } from "../../gpu/kernel.ts";
import type { Command } from "../../gpu/program.ts";
import { createRows, onlyShard } from "../../gpu/rows.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { createCount, STEP } from "../../kernels/common.ts";
import { decodeRows } from "../../kernels/decode_rows.ts";
import { encodeGemm, PANEL_UNIT } from "../../kernels/encode_gemm.ts";
import { gatherRows } from "../../kernels/gather_rows.ts";
import { lossScalars } from "../../kernels/loss_scalars.ts";
import { maskScores } from "../../kernels/mask_scores.ts";
import { type Guarded, planIndirect } from "../../kernels/plan_indirect.ts";
import { residualRows, STATS } from "../../kernels/residual_rows.ts";
import { roundUp } from "../../tensor/shards.ts";
import type { DeadLatents } from "./dead_latents.ts";
import { topkGate, type TopkGateOptions } from "../gates/topk.ts";
import {
  createSite,
  type Decoder,
  type Gate,
  type Parameter,
  type ScoreEncoder,
  type ScorePanel,
  type Site,
  vectorOf,
  type Workspace,
} from "../types.ts";

/** The AuxK loss. */
export interface AuxkLoss {
  /** Its site. */
  readonly site: Site;
  /** Selection among the dead, decode, loss and all its gradients, added to those of the main loss. */
  forwardBackward(): Command[];
}

/** What AuxK works on. */
export interface AuxkOptions {
  /** Number of its site. */
  site: number;
  /** Coefficient of the loss. */
  alpha: number;
  /** Most dead latents a row. */
  kAux: number;
  /** The model's reconstruction: its residual is what the dead latents try to reconstruct. */
  main: Site;
  /** The model's encoder; its panel is used again. */
  encoder: ScoreEncoder;
  /** A decoder of the same W_dec, without prefixes. */
  decoder: Decoder;
  /** The decoder's rows. */
  wDec: Parameter;
  /** Which latents are dead. */
  dead: DeadLatents;
  /** Makes the gate that selects among the dead, when it is not the k_aux best of each row. */
  gate?: (options: TopkGateOptions) => Gate;
}

/** Makes the loss. */
export function auxkLoss(gpu: Gpu, space: Workspace, options: AuxkOptions): AuxkLoss {
  const { alpha, kAux, main, encoder, decoder, wDec, dead } = options;
  const { rows } = space;
  const { cols, stride } = main.residual;
  const step = createBuffer(gpu, STEP.words * 4, "aux step");
  gpu.device.queue.writeBuffer(step, STEP.k * 4, new Uint32Array([kAux]));
  const gate = (options.gate ?? ((o) => topkGate(gpu, o)))({
    rows,
    kMax: kAux,
    step,
    ...encoder.latentRows
      ? { count: dead.deadCount, map: dead.list }
      : { count: createCount(gpu, wDec.value.rows) },
  });
  const [{ most, ...plan }] = gate.codes;
  // Mostly nothing is dead: no dispatch of these runs, and copies for them alone are for nothing.
  const code = { ...plan.code, usual: 0 };
  const made = createSite(
    gpu,
    space,
    { code, most, weight: alpha, trainsDecoder: false },
    options.site,
    wDec.value.rows,
  );
  const site = { ...made, byLatent: { ...made.byLatent, usual: 0 } };
  const errorSum = createBuffer(gpu, stride * 4, "error sum");

  return {
    site,
    forwardBackward() {
      const listed = encoder.latentRows &&
        deadPanels(gpu, space, encoder, encoder.latentRows, dead);
      const panels = listed ?? maskedPanels(gpu, space, encoder, dead);
      const guarded: (Guarded | Exclude<Command, Dispatch>)[] = [];
      const add = (commands: readonly Command[], above: number) => {
        for (const c of commands) guarded.push("kind" in c ? c : { dispatch: c, above });
      };
      // A panel runs when the list reaches it; what follows the panels runs when anything is dead.
      const selection = gate.forward(panels);
      selection.panels.forEach((commands, i) => add(commands, listed ? panels[i].firstLatent : 0));
      add([
        ...selection.finish,
        ...decodeRows.record(gpu, {
          code,
          w: wDec.value,
          loaded: decoder.loaded?.(),
          whole: true,
          recon: onlyShard(site.recon),
        }),
        ...columnSums.record(gpu, { shards: main.residual.shards, stride, sums: errorSum }),
        residualRows.record(gpu, {
          rows,
          d: cols,
          target: onlyShard(main.residual),
          recon: onlyShard(site.recon),
          meanSum: errorSum,
          meanFactor: 1 / rows,
          residual: onlyShard(site.residual),
          stats: site.stats,
          mask: space.mask && { rows: space.mask, step: space.step },
        }),
        ...columnSums.record(gpu, {
          shards: [{ buffer: site.stats, rows, firstRow: 0 }],
          stride: STATS,
          sums: site.statSums,
        }),
        lossScalars.record(gpu, {
          site: site.index,
          kind: "fvu",
          weight: alpha,
          factor: 0,
          sums: site.statSums,
          guard: { count: dead.deadCount, place: 0 },
          scalars: space.scalars,
        }),
        ...decoder.count(site),
        ...decoder.codeGradient(site),
        ...decoder.place(site),
        ...decoder.gradient(site, true),
        ...encoder.backward(site.byLatent, true, code),
      ], 0);
      return planIndirect.record(gpu, dead.deadCount, 0, guarded);
    },
  };
}

/** Panels of the dead latents: rows gathered from W_enc by the list, scored into the encoder's panel. */
function deadPanels(
  gpu: Gpu,
  space: Workspace,
  encoder: ScoreEncoder,
  { w: wEnc, b: bEnc }: NonNullable<ScoreEncoder["latentRows"]>,
  dead: DeadLatents,
): ScorePanel[] {
  const dSae = wEnc.value.rows;
  const panel = encoder.panel;
  const gathered = createRows(gpu, "dead rows", panel, wEnc.value.cols);
  const bias = createBuffer(gpu, roundUp(panel, PANEL_UNIT) * 4, "dead biases");
  const panels: ScorePanel[] = [];
  for (let first = 0; first < dSae; first += panel) {
    const latents = Math.min(panel, dSae - first);
    panels.push({
      commands: (factors) => [
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
        ...encodeGemm.record(gpu, {
          rows: space.x.rows,
          latents,
          d: wEnc.value.cols,
          x: encoder.loaded ?? onlyShard(space.centred),
          w: onlyShard(gathered),
          firstLatent: 0,
          bias,
          firstBias: 0,
          factors: factors?.values,
          firstFactor: factors?.first,
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

/** All panels, with the scores of the dead latents only. */
function maskedPanels(
  gpu: Gpu,
  { rows }: Workspace,
  encoder: ScoreEncoder,
  { flags }: DeadLatents,
): ScorePanel[] {
  return encoder.panels().map((given) => ({
    ...given,
    commands: (factors) => [
      ...given.commands(factors),
      maskScores.record(gpu, { rows, flags, ...given }),
    ],
  }));
}
