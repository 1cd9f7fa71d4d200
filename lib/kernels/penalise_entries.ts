/**
 * Sparsity penalties on the values of a code: their derivative added to every entry, their value of every row.
 * @module
 */
import source from "../../shaders/penalise_entries.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, STEP, THREADS } from "./common.ts";

/** A penalty on a row's values u = value · norm; p is the word `exponent` of `step`. */
export type PenaltyForm =
  /** Σ u. */
  | { kind: "l1" }
  /** (Σ u^p)^(1/p). */
  | { kind: "lp_norm" }
  /** Σ u^p. */
  | { kind: "power" }
  /** Σ tanh(scale · u). */
  | { kind: "tanh"; scale: number }
  /** Σ over latents of a (1 + a / frequency), a the batch's mean of tanh(scale · u). */
  | { kind: "tanh_quad"; scale: number; frequency: number };

/** What to penalise. */
export interface PenaliseArgs {
  /** The code; its `dz` grows. */
  code: CodeByRow;
  /** Which penalty. */
  form: PenaltyForm;
  /** f32 [latents]: norms that values are multiplied with; ones when absent. */
  norms?: GPUBuffer;
  /** vec2f [latents]: means of `tanh_quad` and their terms, see `penaltyLatents`. */
  means?: GPUBuffer;
  /** Buffer and word of the coefficient. */
  coefficient: { buffer: GPUBuffer; word: number };
  /** The buffer `step`. */
  step: GPUBuffer;
  /** vec2f [rows]: penalty of every row, and for `power` the same with the next exponent. */
  values: GPUBuffer;
  /** Whether `values` is written; otherwise only `lp_norm` looks at it: it has to be the model's code's. */
  writesValues: boolean;
}

/** The penalties. */
export const penaliseEntries = {
  kernel: defineKernel({
    name: "penalise_entries",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "norms", "means", "coefficients", "step", "dz", "values"],
    dims: ["rows", "share", "word", "scale", "frequency"],
  }),

  /** A workgroup a row where barriers cost little, else a thread a row; pure. */
  plan(
    { rows }: { rows: number },
    facts: DeviceFacts,
  ): { team: boolean; grid: readonly [number, number, number] } {
    const team = !facts.software;
    return { team, grid: gridFor(rows, team ? 1 : THREADS, facts.maxGroups) };
  },

  /** Entries once, dz twice. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 16 * rows * k, bytes: rows * (16 * k + 16) };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: PenaliseArgs): Dispatch {
    const { code, form, norms, means, coefficient, step, values } = args;
    if (form.kind === "tanh_quad" && !means) {
      throw new RangeError('Cannot penalise entries: "tanh_quad" needs the means of the latents');
    }
    const plan = penaliseEntries.plan(code, gpu.facts);
    return penaliseEntries.kernel.dispatch(gpu, {
      label: form.kind,
      defines: {
        TEAM: plan.team ? 1 : 0,
        STRIDE: plan.team ? THREADS : 1,
        NORMS: norms ? 1 : 0,
        VALUES: args.writesValues ? 1 : 0,
        L1: form.kind === "l1" ? 1 : 0,
        NORM: form.kind === "lp_norm" ? 1 : 0,
        POWER: form.kind === "power" ? 1 : 0,
        SOFT: "scale" in form ? 1 : 0,
        QUAD: form.kind === "tanh_quad" ? 1 : 0,
        EXPONENT: STEP.exponent,
        NEXT_EXPONENT: STEP.nextExponent,
      },
      dims: {
        rows: code.rows,
        share: 1 / code.rows,
        word: coefficient.word,
        scale: "scale" in form ? form.scale : 0,
        frequency: "frequency" in form ? form.frequency : 1,
      },
      buffers: {
        spans: code.spans,
        entries: code.entries,
        norms: norms ?? step,
        means: means ?? step,
        coefficients: coefficient.buffer,
        step,
        dz: code.dz,
        values,
      },
      groups: plan.grid,
    });
  },
};
