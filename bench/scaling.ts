/**
 * How the time of a TopK step grows with latents, width, k and batch: curves with fitted exponents.
 * @module
 */
import { openGpu } from "../lib/gpu/device.ts";
import { submit, timeKernels } from "../lib/gpu/program.ts";
import { topk } from "../lib/models/topk.ts";
import { calibrate, runMs } from "./harness.ts";
import { benchModel, checkStep } from "./models.ts";
import { DEMO, TINY, WIDE } from "./shapes.ts";
import { timesOf } from "./stats.ts";
import type { ScalingCurve, ScalingPoint, TrainShape } from "./types.ts";

/** A curve to measure. */
export interface CurvePlan {
  /** What varies. */
  of: ScalingCurve["of"];
  /** The fixed sizes. */
  base: TrainShape;
  /** Its values, ascending. */
  values: readonly number[];
}

const plans = (base: TrainShape, values: Readonly<Record<CurvePlan["of"], readonly number[]>>) =>
  (["latents", "d", "k", "rows"] as const).map((of): CurvePlan => ({
    of,
    base,
    values: values[of],
  }));

/** The curves around the demo's shape. */
export const QUICK_CURVES: readonly CurvePlan[] = plans(DEMO, {
  latents: [1536, 3072, 6144, 12288],
  d: [96, 192, 384, 768],
  k: [8, 16, 32, 64, 128],
  rows: [512, 1024, 2048, 4096],
});

/** The curves around the wide shape. */
export const FULL_CURVES: readonly CurvePlan[] = plans(WIDE, {
  latents: [6144, 12288, 24576, 49152],
  d: [192, 384, 768, 1536],
  k: [16, 32, 64, 128],
  rows: [512, 1024, 2048, 4096],
});

/** Two points of every curve, for trying the bench itself. */
export const TINY_CURVES: readonly CurvePlan[] = plans(TINY, {
  latents: [1024, 2048, 4096],
  d: [32, 64, 128],
  k: [8, 16, 32],
  rows: [128, 256, 512],
});

/** Least squares of `log y = log factor + exponent · log x`, with the standard error of the exponent. */
export function fitPower(
  points: readonly { x: number; y: number }[],
): Pick<ScalingCurve, "exponent" | "error" | "factor"> {
  const n = points.length;
  const xs = points.map((p) => Math.log(p.x)), ys = points.map((p) => Math.log(p.y));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / n;
  const [mx, my] = [mean(xs), mean(ys)];
  const sxx = xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
  const sxy = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i] - my), 0);
  const exponent = sxy / sxx;
  const residuals = ys.map((y, i) => y - my - exponent * (xs[i] - mx));
  const squares = residuals.reduce((sum, r) => sum + r * r, 0);
  return {
    exponent,
    error: n > 2 ? Math.sqrt(squares / (n - 2) / sxx) : NaN,
    factor: Math.exp(my - exponent * mx),
  };
}

/** Times all points of a curve in turn; the sum of the kernels' times where there are timestamps. */
async function measureCurve(plan: CurvePlan, rounds: number): Promise<ScalingCurve> {
  const gpu = await openGpu();
  try {
    const points = plan.values.map((at) => {
      const shape = { ...plan.base, [plan.of]: at };
      return { at, shape, model: benchModel(gpu, topk, shape), ms: [] as number[] };
    });
    for (const { model } of points) submit(gpu, model.step);
    const { tickNs } = await calibrate(gpu, points[0].model.step);
    for (let r = 0; r < rounds; r++) {
      for (const { model, ms } of points) {
        if (tickNs === undefined) ms.push(await runMs(gpu, model.step, 2));
        else {
          const times = await timeKernels(gpu, model.step);
          ms.push(times.reduce((sum, t) => sum + t.ticks, 0) * tickNs / 1e6);
        }
      }
    }
    for (const { model, shape, at } of points) {
      await checkStep(gpu, model, `${plan.of} ${at}`, shape);
    }
    const measured = points.map(({ at, ms }): ScalingPoint => ({ at, ...timesOf(ms) }));
    const fit = fitPower(measured.map(({ at, medianMs }) => ({ x: at, y: medianMs })));
    return { of: plan.of, base: plan.base, points: measured, ...fit };
  } finally {
    gpu.close();
  }
}

/** Measures curves one after the other. */
export async function measureScaling(
  curves: readonly CurvePlan[],
  rounds: number,
  say: (text: string) => void = () => {},
): Promise<ScalingCurve[]> {
  const results: ScalingCurve[] = [];
  for (const plan of curves) {
    say(`scaling with ${plan.of}, ${plan.values.join(", ")}`);
    results.push(await measureCurve(plan, rounds));
  }
  return results;
}
