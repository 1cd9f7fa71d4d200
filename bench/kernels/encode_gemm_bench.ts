/**
 * Scores of a panel of 1024 latents, with the variants that the wrapper did not choose: what they lose is kept in
 * `bench/NOTES.md`. The wide width is timed always, as it is the work of a real run.
 * @module
 */
import { encodeGemm } from "../../lib/kernels/encode_gemm.ts";
import { DEMO, type Stage, valueAt } from "../stage.ts";
import type { BenchCase, KernelBench, TrainShape } from "../types.ts";

const PANEL = 1024;

function one(
  stage: Stage,
  { rows, d }: Pick<TrainShape, "rows" | "d">,
  variant?: string,
) {
  const { facts } = stage.gpu;
  const tuning = variant === undefined ? facts.tuning : { ...facts.tuning, encode_gemm: variant };
  const gpu = { ...stage.gpu, facts: { ...facts, tuning } };
  const shape = { rows, latents: PANEL, d };
  const scale = 1 / Math.sqrt(d);
  const scores = stage.room(rows * PANEL);
  const x = stage.sheet(rows, d, 1), w = stage.sheet(PANEL, d, 3, scale);
  const bias = stage.vector(PANEL, 4);
  const places = { firstLatent: 0, firstBias: 0, panel: PANEL };
  const made: BenchCase = {
    shape: `${rows} x ${d} x ${PANEL}`,
    variant,
    cost: encodeGemm.cost(shape),
    commands: encodeGemm.record(gpu, { ...shape, ...places, x, w, bias, scores }),
    output: scores,
    check: (floats) => {
      let wanted = valueAt(4, 1);
      for (let j = 0; j < d; j++) wanted += valueAt(1, j) * scale * valueAt(3, d + j);
      const error = Math.abs(floats[1] - wanted);
      return error < 1e-4 ? undefined : `score of latent 1 is ${floats[1]}, not ${wanted}`;
    },
  };
  return made;
}

/** The bench. */
export const bench: KernelBench = {
  stem: "encode_gemm",
  cases: (stage) => {
    const cases = stage.gathered.map((shape) => one(stage, shape));
    if (stage.bare) return cases;
    const { facts } = stage.gpu;
    const chosen = encodeGemm.plan({ ...DEMO, latents: PANEL }, facts).variant;
    for (const { name } of encodeGemm.variants(facts)) {
      if (name !== chosen) cases.push(one(stage, DEMO, name));
    }
    return cases;
  },
};
