/**
 * A selection by row that looks at few columns first: rows and encoder are multiplied with some axes, the latents with the
 * largest of those approximate scores, if positive, are the candidates, and the k best of these by their exact scores are
 * the code. So the values are exact, and what can be missed is a latent that was no candidate: the share of the exact
 * selection that was found is measured on the first rows of every batch. Gradients are those of any code.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { createRows, onlyShard, type Rows } from "../../gpu/rows.ts";
import { createRowLists, planCandidates } from "../../kernels/capacity.ts";
import { type CodeByRow, createCodeByRow } from "../../kernels/code.ts";
import { codeRecall, RECALL_ROWS } from "../../kernels/code_recall.ts";
import { createCount, SCALARS } from "../../kernels/common.ts";
import { emitPanel, type SliceArgs } from "../../kernels/emit_panel.ts";
import { keepCandidates } from "../../kernels/keep_candidates.ts";
import { matmul } from "../../kernels/matmul.ts";
import { scoreCandidates } from "../../kernels/score_candidates.ts";
import { denseEncoder } from "../encoders/dense.ts";
import { emitPanels } from "../gates/emit.ts";
import { topkGate } from "../gates/topk.ts";
import {
  type Coder,
  frozenParameter,
  type Parameter,
  type RingField,
  type ScoreEncoder,
  vectorOf,
  type Workspace,
} from "../types.ts";

/** How candidates are found. */
export interface ScreenOptions {
  /** Axes that the approximate scores look along, a multiple of 4. */
  readonly dims: number;
  /** Candidates of a row, in units of the largest k of the run. */
  readonly factor: number;
}

/** What a screened coder is made for. */
export interface ScreenedCoderOptions extends ScreenOptions {
  /** Largest k of the whole run. */
  readonly kMax: number;
}

/** Name of the axes among the words of a checkpoint, and among first values: f32 [dIn, dims], row-major. */
export const SCREEN_AXES = "screen_axes";

/** What a screened selection logs. */
export const SCREEN_METRICS: readonly RingField[] = [
  { name: "sparsity/screen_recall", word: SCALARS.screenRecall },
];

/** What selections are made from. */
interface Scored {
  gpu: Gpu;
  space: Workspace;
  /** Row and bias of every latent. */
  w: Parameter;
  b: Parameter;
  /** Scores of a panel, which may be overwritten. */
  scores: GPUBuffer;
}

/** A code with the commands that make it from `space.centred`. */
interface Selected {
  code: CodeByRow;
  commands(): Command[];
}

/** The selection of a batch, through its candidates. */
function screened(
  { gpu, space, w, b, scores }: Scored,
  axes: Rows,
  { dims, factor, kMax }: ScreenedCoderOptions,
): Selected {
  const { rows, step, centred } = space;
  const latents = w.value.rows;
  const lead = createRows(gpu, "rows along the axes", rows, dims);
  const wLead = frozenParameter(gpu, "W_enc along the axes", latents, dims);
  const along = { ...space, x: lead, centred: lead };
  const screen = denseEncoder(gpu, along, { wEnc: wLead, bEnc: b, scores });
  const plan = planCandidates(rows, latents, factor * kMax, gpu.facts);
  const lists = createRowLists(gpu, rows, plan);
  const count = createCount(gpu, latents);
  const code = createCodeByRow(gpu, rows, kMax);
  return {
    code,
    commands() {
      const emit = (slice: SliceArgs) => emitPanel.record(gpu, { ...slice, lists, count });
      const { panels, finish } = emitPanels(gpu, [lists], screen.panels(), emit);
      const candidates = lists.code;
      // Nothing has derivatives by candidates: exact scores take that place.
      const exact = candidates.dz;
      return [
        ...matmul.record(gpu, { label: wLead.name, a: w.value, b: axes, c: wLead.value }),
        ...matmul.record(gpu, { label: lead.label, a: centred, b: axes, c: lead }),
        ...screen.prepare(),
        ...panels.flat(),
        ...finish,
        ...scoreCandidates.record(gpu, {
          candidates,
          count: plan.keep,
          x: onlyShard(centred),
          w: w.value,
          bias: vectorOf(b),
          scores: exact,
        }),
        keepCandidates.record(gpu, { candidates, scores: exact, code, step }),
      ];
    },
  };
}

/** The exact selection of the first rows. */
function exact({ gpu, space, w, b, scores }: Scored, kMax: number): Selected {
  const { step } = space;
  const rows = Math.min(RECALL_ROWS, space.rows);
  const few = { ...space, x: { ...space.x, rows } };
  const gate = topkGate(gpu, { rows, kMax, step, count: createCount(gpu, w.value.rows) });
  const encoder = denseEncoder(gpu, few, { wEnc: w, bEnc: b, scores });
  const [{ code }] = gate.codes;
  return {
    code,
    commands() {
      const { panels, finish } = gate.forward(encoder.panels());
      return [...encoder.prepare(), ...panels.flat(), ...finish];
    },
  };
}

/**
 * Makes the coder.
 * @param encoder an encoder whose latents all look at `space.centred`
 * @throws RangeError for another encoder
 */
export function screenedCoder(
  gpu: Gpu,
  space: Workspace,
  encoder: ScoreEncoder,
  options: ScreenedCoderOptions,
): Coder {
  const { latentRows, scores } = encoder;
  if (!latentRows) {
    throw new RangeError("Cannot screen: an encoder with a row for every latent is needed");
  }
  const axes = createRows(gpu, SCREEN_AXES, space.centred.cols, options.dims);
  const scored = { gpu, space, ...latentRows, scores };
  const selected = screened(scored, axes, options);
  const wanted = exact(scored, options.kMax);
  return {
    scope: "row",
    candidates: encoder.candidates,
    parameters: encoder.parameters,
    state: [{ name: SCREEN_AXES, buffer: onlyShard(axes), words: axes.rows * axes.stride }],
    codes: [{ code: selected.code, weight: 1, trainsDecoder: true }],
    penalised: 0,
    encoder,
    metrics: SCREEN_METRICS,
    forward: () => [
      ...encoder.prepare(),
      ...selected.commands(),
      ...wanted.commands(),
      codeRecall.record(gpu, {
        wanted: wanted.code,
        found: selected.code,
        scalars: space.scalars,
        word: SCALARS.screenRecall,
      }),
    ],
    backward: (sites) =>
      sites.flatMap((site) => encoder.backward(site.byLatent, site.index > 0, site.code)),
    inputGradient: encoder.inputGradient,
  };
}
