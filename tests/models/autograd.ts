/** Cases of one step with gradients by autograd, and how their options are said here. */
import { thresholdOptions } from "../../lib/blocks/gates/jumprelu.ts";
import { penaltyOptions } from "../../lib/blocks/losses/penalty.ts";
import type { PenaltyName } from "../../lib/blocks/losses/penalty.ts";
import { familyOf } from "../../lib/models/mod.ts";
import { type ModelOptions, modelOptions } from "../../lib/models/types.ts";

/** A case as the script writes it. */
export interface AutogradCase {
  name: string;
  type: string;
  options:
    & Partial<ModelOptions>
    & Pick<ModelOptions, "rows" | "dIn" | "dSae" | "k">
    & SpecialOptions;
  step: Record<string, number>;
  dead: number[];
  points: number[][];
  parameters: Record<string, number[]>;
  loss: number;
  metrics: Record<string, number>;
  gradients: Record<string, number[]>;
}

/** Options that have another form in the program. */
interface SpecialOptions {
  numbers?: { c: number; s: number; p: number };
  bandwidth?: number;
  log?: boolean;
  steToInput?: boolean;
  preActCoefficient?: number;
  targetL0?: number;
  weights?: number[];
  bounds?: number[];
  penaltyName?: PenaltyName;
  m1?: number;
  m2?: number;
  heads?: number;
  dQk?: number;
  norms?: boolean;
  adjacentPairs?: boolean;
}

/** Options of the model that the case describes. */
export function optionsOf(
  { type, options }: Pick<AutogradCase, "type" | "options">,
): ModelOptions {
  const {
    numbers,
    bandwidth,
    log = false,
    steToInput = false,
    preActCoefficient = 0,
    targetL0,
    weights,
    bounds,
    penaltyName,
    m1,
    m2: _m2,
    heads,
    dQk,
    norms = false,
    adjacentPairs = true,
    ...plain
  } = options;
  return modelOptions({
    ...familyOf(type).defaults,
    ...heads && dQk && {
      gateByDecoderNorm: false,
      attention: {
        heads,
        width: dQk,
        scale: Math.sqrt(dQk),
        rotary: { dim: dQk, base: 10000, adjacentPairs, copies: 1 },
        norms,
        eps: 1e-6,
      },
    },
    ...plain,
    deadAfterTokens: 1000,
    clipGradNorm: 0,
    ...penaltyName && {
      penalty: penaltyOptions({
        name: penaltyName,
        coefficient: 1,
        tanhScale: numbers?.c,
        frequencyScale: numbers?.s,
        targetL0: penaltyName === "target_l0" ? targetL0 : undefined,
      }),
    },
    ...bandwidth &&
      { thresholds: thresholdOptions({ window: bandwidth, log, toInput: steToInput }) },
    ...m1 && { keys: { m1, heads: 1, bias: false } },
    ...preActCoefficient > 0 && { preAct: "all" as const },
    ...bounds && {
      prefixes: { widths: bounds, weights: weights ?? [], biasLevel: false },
    },
  });
}

/** Values and gradients by the names that the program gives its parameters. */
export function parameterNames(
  { parameters, gradients }: AutogradCase,
): Map<string, { parameter: number[]; gradient: number[] }> {
  const both = (all: Record<string, number[]>) =>
    "U" in all ? { ...all, W_keys: [...all.U, ...all.V], b_keys: [...all.bu, ...all.bv] } : all;
  const gradientOf: Record<string, number[]> = both(gradients);
  return new Map(
    Object.entries(both(parameters)).map(([name, parameter]) => [
      name,
      { parameter, gradient: gradientOf[name] },
    ]),
  );
}
