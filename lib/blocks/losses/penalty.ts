/**
 * Sparsity penalties: `coefficient · mean over rows of a penalty on the values of a code`, with decoder norms as factors
 * of the values where decoder rows are not of unit length, and thresholds as what feels a penalty on the number of
 * active latents. Source: architectures spec, sections 1, 4.3 to 4.5, 5.
 *
 * The coefficient is the schedule's (word `coefficient` of `step`) times what the state says: annealing of the exponent,
 * and steering towards a number of active latents. It stands in the word `coefficient` of `scalars`.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { roundUp } from "../../tensor/shards.ts";
import { SCALARS } from "../../kernels/common.ts";
import { penaliseEntries, type PenaltyForm } from "../../kernels/penalise_entries.ts";
import { penaltyCoefficient } from "../../kernels/penalty_coefficient.ts";
import { penaltyLatents } from "../../kernels/penalty_latents.ts";
import { PENALTY_STATE } from "../../kernels/penalty_state.ts";
import { placeEntries } from "../../kernels/place_entries.ts";
import { steerCoefficient, type SteerRule } from "../../kernels/steer_coefficient.ts";
import { sumValues } from "../../kernels/sum_values.ts";
import type { DecoderNorms, Penalty, RingField, Site, Workspace } from "../types.ts";

/** Names of the penalties. */
export type PenaltyName = "l1" | "lp_norm" | "lp" | "tanh" | "tanh_quad" | "l0" | "target_l0";

/** Numbers of a penalty. */
export interface PenaltyOptions {
  /** Which. */
  name: PenaltyName;
  /** The schedule's largest coefficient. */
  coefficient: number;
  /** c of tanh(c f). */
  tanhScale: number;
  /** s of `tanh_quad`. */
  frequencyScale: number;
  /** Whether the exponent changes during the run. */
  annealed: boolean;
  /** Mean number of active latents: what `target_l0` measures from, and what other penalties are steered towards. */
  targetL0?: number;
  /** Steps in which a lasting error of L0 changes the coefficient by its own factor: a fiftieth of the run. */
  steerSteps: number;
}

/** Options with the values that most penalties have. */
export function penaltyOptions(given: Partial<PenaltyOptions> = {}): PenaltyOptions {
  return {
    name: "l1",
    coefficient: 5,
    tanhScale: 4,
    frequencyScale: 0.01,
    annealed: false,
    steerSteps: 100,
    ...given,
  };
}

/** What a penalty is like, for those who need to know. */
export interface PenaltyKind {
  /** What it does to entries; nothing when it is on their number. */
  form(options: PenaltyOptions): PenaltyForm | undefined;
  /** Whether it looks at the sums of all rows of a latent. */
  readonly needsLatentSums: boolean;
  /** Whether it has an exponent. */
  readonly hasExponent: boolean;
  /** Whether only thresholds feel it. */
  readonly onNumber: boolean;
}

const ON_VALUES = { needsLatentSums: false, hasExponent: false, onNumber: false };

/** All penalties. */
export const PENALTIES: Readonly<Record<PenaltyName, PenaltyKind>> = {
  l1: { ...ON_VALUES, form: () => ({ kind: "l1" }) },
  lp_norm: { ...ON_VALUES, hasExponent: true, form: () => ({ kind: "lp_norm" }) },
  lp: { ...ON_VALUES, hasExponent: true, form: () => ({ kind: "power" }) },
  tanh: { ...ON_VALUES, form: ({ tanhScale }) => ({ kind: "tanh", scale: tanhScale }) },
  tanh_quad: {
    ...ON_VALUES,
    needsLatentSums: true,
    form: ({ tanhScale, frequencyScale }) => ({
      kind: "tanh_quad",
      scale: tanhScale,
      frequency: frequencyScale,
    }),
  },
  l0: { ...ON_VALUES, onNumber: true, form: () => undefined },
  target_l0: { ...ON_VALUES, onNumber: true, form: () => undefined },
};

/** What a model with a penalty logs. */
export const PENALTY_METRICS: readonly RingField[] = [
  { name: "loss/sparsity", word: SCALARS.sparsityLoss },
  { name: "sparsity/coefficient", word: SCALARS.coefficient },
  { name: "sparsity/capped_rows", word: SCALARS.cappedRows },
];

/** What a penalty works on. */
export interface PenaltyPlace {
  /** Number of latents. */
  latents: number;
  /** Factors of the values; ones when absent. */
  norms?: DecoderNorms;
}

/** Makes the penalty. */
export function sparsityPenalty(
  gpu: Gpu,
  space: Workspace,
  options: PenaltyOptions,
  place: PenaltyPlace,
): Penalty {
  const kind = PENALTIES[options.name];
  const state = createBuffer(gpu, PENALTY_STATE.words * 4, "penalty state");
  const form = kind.form(options);
  const on = form ? onValues(gpu, space, { ...options, ...place, form }) : undefined;
  return {
    state: [{ name: "penalty", buffer: state, words: PENALTY_STATE.words }],
    onNumber: kind.onNumber,
    onEntries: (site) => [
      ...place.norms?.refresh() ?? [],
      penaltyCoefficient.record(gpu, {
        rows: space.rows,
        anneal: options.annealed && kind.hasExponent,
        steered: goalOf(options) !== undefined,
        count: kind.onNumber
          ? {
            offsets: site.byLatent.offsets,
            place: site.byLatent.latents,
            goal: options.name === "target_l0" ? options.targetL0 : undefined,
          }
          : undefined,
        state,
        step: space.step,
        scalars: space.scalars,
      }),
      ...on?.onEntries(site) ?? [],
    ],
    onOthers: (code) => on?.onOthers(code) ?? [],
    onGradients: (site) => on?.onGradients(site) ?? [],
    afterStep: () => steer(gpu, space, { options, state, totals: on?.totals }),
  };
}

/** What a coefficient is steered towards; `target_l0` has its goal in the loss. */
function goalOf({ name, targetL0 }: PenaltyOptions): number | undefined {
  return name === "target_l0" ? undefined : targetL0;
}

/**
 * Numbers of the steering by the steps of its answer, a fiftieth of the run. Found by training dictionaries of every
 * penalised family on activations, 400 to 2000 steps: L0 ends at its goal, and few latents die on the way.
 */
function steerRule(steps: number): Omit<SteerRule, "goal"> {
  return { steps, descent: 42 * steps, damping: 0.6, beta: 0.2, slowSteps: 6 * steps };
}

/** Steering and the history of an exponent, where there is anything to steer. */
function steer(
  gpu: Gpu,
  { step, scalars, rows }: Workspace,
  { options, state, totals }: { options: PenaltyOptions; state: GPUBuffer; totals?: GPUBuffer },
): Command[] {
  const goal = goalOf(options);
  if (goal === undefined && !totals) return [];
  return [steerCoefficient.record(gpu, {
    rule: goal === undefined ? undefined : { goal, ...steerRule(options.steerSteps) },
    full: options.coefficient,
    rows,
    totals,
    state,
    step,
    scalars,
  })];
}

/** The part of a penalty that acts on values. */
function onValues(
  gpu: Gpu,
  { rows, step, scalars }: Workspace,
  options: PenaltyOptions & PenaltyPlace & { form: PenaltyForm },
) {
  const { form, norms, latents, name, annealed } = options;
  const { needsLatentSums, hasExponent } = PENALTIES[name];
  const floats = (label: string, n: number) => createBuffer(gpu, n * 4, label);
  const values = floats("penalties of rows", roundUp(rows * 2, 4));
  const means = needsLatentSums ? floats("means of latents", latents * 2) : undefined;
  const weights = norms ? floats("weights of decoder rows", latents) : undefined;
  const totals = annealed && hasExponent ? floats("penalties of the batch", 4) : undefined;
  const coefficient = { buffer: scalars, word: SCALARS.coefficient };
  const shared = { form, norms: norms?.values, coefficient, step, values, means };
  const total = means
    ? { values: means, count: latents, step: 2, first: 1, factor: 1 }
    : { values, count: rows, step: 2, first: 0, factor: 1 / rows };
  const latentMeans = ({ code, byLatent }: Site): Command[] =>
    means
      ? [
        // Values are needed by latent before the entries are placed for good, with all of dz.
        placeEntries.record(gpu, code, byLatent),
        penaltyLatents.recordMeans(gpu, { ...shared, code: byLatent, rows, means }),
      ]
      : [];
  return {
    totals,
    onEntries: (site: Site): Command[] => [
      ...latentMeans(site),
      penaliseEntries.record(gpu, { ...shared, code: site.code, writesValues: true }),
      sumValues.record(gpu, {
        ...total,
        out: scalars,
        place: SCALARS.sparsityLoss,
        weight: SCALARS.coefficient,
      }),
      ...totals
        ? [0, 1].map((first) =>
          sumValues.record(gpu, { ...total, first, out: totals, place: first })
        )
        : [],
    ],
    onOthers: (code: Site["code"]): Command[] => [
      penaliseEntries.record(gpu, { ...shared, code, writesValues: false }),
    ],
    onGradients({ byLatent }: Site): Command[] {
      const add = norms && weights ? norms.addRows(weights) : [];
      if (!norms || !weights || add.length === 0) return [];
      const args = { ...shared, norms: norms.values, code: byLatent, rows, weights };
      return [penaltyLatents.recordWeights(gpu, args), ...add];
    },
  };
}
