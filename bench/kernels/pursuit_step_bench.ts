/**
 * A static pursuit: its iterations on scores alone, and a whole batch in both forms, from rows to the code. Both make
 * the products of the dictionary that they need: the Gram form W Wᵀ and one more, the other a product an iteration.
 * @module
 */
import { pursuitCoder } from "../../lib/blocks/coders/pursuit.ts";
import type { PursuitPlan } from "../../lib/blocks/coders/pursuit_plan.ts";
import { createParameter, createWorkspace } from "../../lib/blocks/types.ts";
import { submit } from "../../lib/gpu/program.ts";
import { createRows, onlyShard, writeRows } from "../../lib/gpu/rows.ts";
import { createTexelRows } from "../../lib/gpu/texels.ts";
import { gramRows } from "../../lib/kernels/gram_rows.ts";
import { matmul } from "../../lib/kernels/matmul.ts";
import { createPicks } from "../../lib/kernels/picks.ts";
import { pursuitStep } from "../../lib/kernels/pursuit_step.ts";
import { DEMO, draw, type Stage, stepWords } from "../stage.ts";
import type { BenchCase, KernelBench, TrainShape } from "../types.ts";

/** Iterations on scores that are there; they are put back by copies, which the clock does not see. */
function steps(stage: Stage, { rows, d, latents, k }: TrainShape): BenchCase {
  const { gpu } = stage;
  const w = stage.matrix(latents, d, 3, 1 / Math.sqrt(d));
  const inTexture = gramRows.plan(gpu.facts, { rows: latents, d }) !== undefined;
  const gram = inTexture
    ? createTexelRows(gpu, "bench products", latents, latents)
    : createRows(gpu, "bench products", latents, latents);
  const first = createRows(gpu, "bench scores", rows, latents);
  submit(gpu, [
    ..."texels" in gram
      ? gramRows.record(gpu, { w, gram })
      : matmul.record(gpu, { a: w, b: w, c: gram, transB: true }),
    ...matmul.record(gpu, { a: stage.matrix(rows, d, 1), b: w, c: first, transB: true }),
  ]);
  const scores = stage.room(rows * latents);
  const picks = createPicks(gpu, rows, k);
  return {
    shape: `${rows} x ${latents}, ${k} picks`,
    cost: pursuitStep.cost({ rows, latents, iterations: k }),
    commands: [
      {
        kind: "copy",
        from: onlyShard(first),
        fromOffset: 0,
        to: scores,
        toOffset: 0,
        size: rows * latents * 4,
      },
      { kind: "clear", buffer: picks.values },
      ...pursuitStep.record(gpu, {
        picks,
        gram,
        scores,
        firstRow: 0,
        rows,
        step: stage.step(k),
        begin: 0,
        end: k,
        gives: "picks",
        relu: true,
        limited: false,
      }),
    ],
    output: picks.values,
    check: (floats) => allPicked(floats, k),
  };
}

/** From rows to the code. */
function batch(stage: Stage, shape: TrainShape, form: PursuitPlan["form"]): BenchCase {
  const { gpu } = stage;
  const { rows, d, latents, k } = shape;
  const space = createWorkspace(gpu, { rows, dIn: d, dOut: d, dSae: latents, inputBias: false });
  const wDec = createParameter(gpu, "W_dec", latents, d);
  writeRows(gpu, wDec.value, draw(latents * d, 3, 1 / Math.sqrt(d)));
  writeRows(gpu, space.x, draw(rows * d, 1));
  gpu.device.queue.writeBuffer(space.step, 0, stepWords(k));
  const coder = pursuitCoder(gpu, space, {
    mode: "static",
    residualThreshold: 0,
    stopOnDuplicateSupport: false,
    relu: true,
    wDec,
    iterations: k,
    form,
  });
  const halved = gramRows.plan(gpu.facts, { rows: latents, d }) !== undefined;
  const pairs = halved ? latents * (latents + 1) / 2 : latents * latents;
  const products = form === "gram" ? pairs + rows * latents : k * rows * latents;
  return {
    shape: `whole batch ${rows} x ${latents}, ${k} picks, d ${d}`,
    variant: `${form} form`,
    cost: {
      flops: 2 * d * products,
      bytes: 4 * rows * latents * k * (form === "gram" ? 3 : 2),
    },
    commands: coder.forward(),
    output: coder.picks.values,
    check: (floats) => allPicked(floats, k),
  };
}

/** Every pick of row 0 is positive: a random row of this width is not used up. */
function allPicked(floats: Float32Array, k: number): string | undefined {
  const bad = floats.subarray(0, k).findIndex((v) => !(v > 0));
  return bad < 0 ? undefined : `pick ${bad} of row 0 is ${floats[bad]}`;
}

/** The bench. */
export const bench: KernelBench = {
  stem: "pursuit_step",
  cases: (stage) => [
    steps(stage, DEMO),
    batch(stage, DEMO, "gram"),
    ...stage.full ? [batch(stage, DEMO, "residual")] : [],
  ],
};
