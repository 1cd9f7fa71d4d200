/**
 * The JumpReLU gate: `f = h` where `h > θ` and `h > 0`, with a trained threshold for each latent.
 *
 * Thresholds learn from the entries near them, on both sides: those with h > 0 and |h - θ| < window / 2, a second code
 * that is emitted in the same pass. Its derivatives are `∂f/∂θ = -θ / window` and `∂1[h > θ]/∂θ = -1 / window`.
 * Source: architectures spec, sections 4.1 to 4.3.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import {
  canCut,
  CODE_BUDGET,
  createRowLists,
  planCapacity,
  type RowLists,
} from "../../kernels/capacity.ts";
import { type CodeByLatent, type CodeByRow, createCodeByLatent } from "../../kernels/code.ts";
import { SCALARS } from "../../kernels/common.ts";
import { emitPanel, type SliceArgs } from "../../kernels/emit_panel.ts";
import { expValues } from "../../kernels/exp_values.ts";
import { placeEntries } from "../../kernels/place_entries.ts";
import { thresholdGradient } from "../../kernels/threshold_gradient.ts";
import { unscaleEntries } from "../../kernels/unscale_entries.ts";
import { panelCoder } from "../coders/panels.ts";
import { countSite } from "../decoders/rows.ts";
import {
  type Coder,
  createParameter,
  type DecoderNorms,
  type Gate,
  gradOf,
  type ScoreEncoder,
  type ScorePanel,
  type Selection,
  type Thresholds,
  vectorOf,
  type Workspace,
} from "../types.ts";
import { countCutRows, emitPanels } from "./emit.ts";

/** How thresholds are trained. */
export interface ThresholdOptions {
  /** Full width of the window in which a threshold gets a gradient. */
  window: number;
  /** Thresholds at the start. */
  initial: number;
  /** Whether encoder biases begin where a wanted share of rows passes the thresholds. */
  biasFromData: boolean;
  /** Whether their logarithms are trained. */
  log: boolean;
  /** Whether the gradient of the window reaches scores too. */
  toInput: boolean;
  /** Factor of their learning rate. */
  lrFactor: number;
}

/** Options with the values that most thresholds have: those of Anthropic's of January 2025. */
export function thresholdOptions(given: Partial<ThresholdOptions> = {}): ThresholdOptions {
  return {
    window: 2,
    initial: 0.1,
    biasFromData: false,
    log: false,
    toInput: false,
    lrFactor: 1,
    ...given,
  };
}

/** What the gate works on. */
export interface JumpreluOptions extends ThresholdOptions {
  /** Number of latents. */
  latents: number;
  /** Decoder norms, where scores times them are compared. */
  norms?: DecoderNorms;
}

/** The gate, with the entries near its thresholds. */
export interface JumpreluGate extends Gate {
  /** The thresholds. */
  readonly thresholds: Thresholds;
  /** The entries near them: by row, and by latent after `backward`, with derivatives by the score where those go there. */
  readonly window: { readonly code: CodeByRow; readonly byLatent: CodeByLatent };
}

/** Bytes of the codes of one list, when there are two. */
const HALF = CODE_BUDGET / 2;

/** Makes the gate. */
export function jumpreluGate(gpu: Gpu, space: Workspace, options: JumpreluOptions): JumpreluGate {
  const { rows, scalars } = space;
  const { latents, norms, log } = options;
  const plan = planCapacity(rows, latents, gpu.facts, HALF);
  const lists = createRowLists(gpu, rows, plan);
  const near = createRowLists(gpu, rows, plan);
  const thresholds = makeThresholds(gpu, options);
  const window = {
    code: near.code,
    byLatent: createCodeByLatent(gpu, rows, near.code.capacity, latents),
  };
  const rule = { kind: "jump", theta: thresholds.values, window: options.window } as const;
  const emit = (slice: SliceArgs) =>
    emitPanel.recordPair(gpu, { ...slice, lists, second: near, rule });
  return {
    scope: "threshold",
    codes: [{ code: lists.code, weight: 1, trainsDecoder: true }],
    parameters: [thresholds.parameter],
    state: [],
    thresholds,
    window,
    forward(panels) {
      const { panels: appended, finish } = emitPanels(
        gpu,
        [lists, near],
        norms ? scaledPanels(panels, norms) : panels,
        emit,
      );
      const [first, ...rest] = appended;
      return {
        panels: [[...refresh(gpu, thresholds), ...first], ...rest],
        finish: [
          ...finish,
          ...countCut(gpu, lists, near, scalars),
          ...norms
            ? [lists, near].map(({ code }) => unscaleEntries.record(gpu, code, norms.values))
            : [],
        ],
      };
    },
    backward: ([site], decoder, penalty) => [
      ...decoder.codeGradient({ ...site, ...window }),
      ...penalty?.onOthers(window.code) ?? [],
      ...countSite(gpu, window),
      placeEntries.record(gpu, window.code, window.byLatent),
      thresholdGradient.record(gpu, {
        code: window.byLatent,
        rows,
        thresholds: thresholds.values,
        window: options.window,
        step: penalty?.onNumber ? { buffer: scalars, word: SCALARS.coefficient } : undefined,
        norms: norms?.values,
        log,
        toInput: options.toInput,
        dz: window.code.dz,
        grad: gradOf(thresholds.parameter),
      }),
    ],
  };
}

/** A coder with this gate; where the option says so, scores get their part of the window's gradient. */
export function jumpreluCoder(
  gpu: Gpu,
  space: Workspace,
  encoder: ScoreEncoder,
  options: JumpreluOptions,
): Coder {
  const gate = jumpreluGate(gpu, space, options);
  const { code, byLatent } = gate.window;
  const coder = panelCoder(encoder, gate);
  if (!options.toInput) return coder;
  return {
    ...coder,
    backward: (sites, decoder, penalty) => [
      ...coder.backward(sites, decoder, penalty),
      ...encoder.backward(byLatent, true, code),
    ],
  };
}

function makeThresholds(
  gpu: Gpu,
  { latents, log, lrFactor, norms }: JumpreluOptions,
): Thresholds {
  const parameter = createParameter(gpu, log ? "log_threshold" : "threshold", 1, latents, {
    clipped: false,
    lrFactor,
    nonNegative: !log,
    decays: false,
  });
  const values = log
    ? createBuffer(gpu, parameter.value.stride * 4, "thresholds")
    : vectorOf(parameter);
  return { values, parameter, log, byNorm: norms !== undefined };
}

/** Thresholds from their logarithms. */
function refresh(gpu: Gpu, { values, parameter, log }: Thresholds): Command[] {
  const count = parameter.value.cols;
  return log ? [expValues.record(gpu, { count, values: vectorOf(parameter), out: values })] : [];
}

/** Panels whose scores are multiplied with decoder norms. */
function scaledPanels(panels: readonly ScorePanel[], norms: DecoderNorms): ScorePanel[] {
  return panels.map((panel, i) => ({
    ...panel,
    commands: () => [
      ...i === 0 ? norms.refresh() : [],
      ...panel.commands({ values: norms.values, first: panel.firstLatent }),
    ],
  }));
}

/** Rows whose code or window was cut. */
function countCut(
  gpu: Gpu,
  lists: RowLists,
  near: RowLists,
  scalars: GPUBuffer,
): Selection["finish"] {
  return [
    ...countCutRows(gpu, lists, scalars),
    ...countCutRows(gpu, near, scalars, canCut(lists)),
  ];
}
