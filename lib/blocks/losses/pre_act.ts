/**
 * The pre-activation loss `λ · mean over rows of Σ ReLU(θ - h) n`, of all latents or of the dead ones: it pulls scores up
 * to their thresholds, and thresholds down. With thresholds on h · n it is `ReLU(θ - h n)`. Source: spec, section 4.4.
 *
 * It concerns nearly every pair of row and latent, but needs no dense matrix: sums over inactive rows are sums over all
 * rows, which are those of the input, less sums over the active ones, which are in the code.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import { addRows } from "../../kernels/add_rows.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { SCALARS, STEP } from "../../kernels/common.ts";
import { penaliseEntries } from "../../kernels/penalise_entries.ts";
import { preActDeficit } from "../../kernels/pre_act_deficit.ts";
import { EFFECTS, preActGradient } from "../../kernels/pre_act_gradient.ts";
import { sumValues } from "../../kernels/sum_values.ts";
import {
  type DecoderNorms,
  gradOf,
  type Parameter,
  type Penalty,
  type RingField,
  type Thresholds,
  vectorOf,
  type Workspace,
} from "../types.ts";

/** What a model with this loss logs. */
export const PRE_ACT_METRICS: readonly RingField[] = [
  { name: "loss/pre_act", word: SCALARS.preActLoss },
];

/** What the loss works on. */
export interface PreActOptions {
  /** The row and the bias of every latent. */
  encoder: { readonly w: Parameter; readonly b: Parameter };
  /** The thresholds. */
  thresholds: Thresholds;
  /** Decoder norms, which the penalty that it is added to refreshes. */
  norms: DecoderNorms;
  /** Tokens since latents fired, where the loss is for dead ones only. */
  dead?: { sinceFired: GPUBuffer; after: number };
}

/** Adds the loss to a penalty; its coefficient is the word `preActCoefficient` of `step`. */
export function withPreAct(
  gpu: Gpu,
  { centred, rows, step, scalars }: Workspace,
  penalty: Penalty,
  options: PreActOptions,
): Penalty {
  const { encoder: { w, b }, thresholds, norms, dead } = options;
  const latents = w.value.rows;
  const { stride } = centred;
  const floats = (label: string, n: number) => createBuffer(gpu, n * 4, label);
  const inputSum = floats("input sum", stride);
  const deficits = floats("deficits", latents * 4);
  const effects = floats("effects", latents * EFFECTS.words);
  const unused = floats("unused", rows * 2);
  const scaled = thresholds.byNorm ? norms.values : undefined;
  return {
    ...penalty,
    onEntries: (site) => [
      ...penalty.onEntries(site),
      // Gives back to active entries what they lose with all others; dead latents have none.
      ...dead ? [] : [penaliseEntries.record(gpu, {
        code: site.code,
        form: { kind: "l1" },
        norms: norms.values,
        coefficient: { buffer: step, word: STEP.preActCoefficient },
        step,
        values: unused,
        writesValues: false,
      })],
    ],
    onGradients: (site) => [
      ...penalty.onGradients(site),
      ...columnSums.record(gpu, { shards: centred.shards, stride, sums: inputSum }),
      ...preActDeficit.record(gpu, {
        rows,
        wEnc: w.value,
        inputSum,
        bEnc: vectorOf(b),
        thresholds: thresholds.values,
        log: thresholds.log,
        norms: scaled,
        code: site.byLatent,
        deficits,
      }),
      preActGradient.record(gpu, {
        rows,
        latents,
        deficits,
        norms: norms.values,
        scaled: thresholds.byNorm,
        offsets: site.byLatent.offsets,
        dead,
        step,
        effects,
        gradBias: gradOf(b),
        gradThreshold: gradOf(thresholds.parameter),
      }),
      ...addRows.record(gpu, {
        grad: w.grad,
        rows: inputSum,
        weights: effects,
        step: EFFECTS.words,
        place: EFFECTS.encoder,
      }),
      ...norms.addRows(effects, EFFECTS.words, EFFECTS.decoder),
      sumValues.record(gpu, {
        count: latents,
        values: effects,
        step: EFFECTS.words,
        first: EFFECTS.loss,
        out: scalars,
        place: SCALARS.preActLoss,
      }),
    ],
  };
}
