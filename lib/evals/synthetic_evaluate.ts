/**
 * Measures a dictionary on planted features: reconstruction, sparsity, directions, detection.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { loadDictionary } from "../models/inference.ts";
import type { TrainedRecord } from "../models/record.ts";
import type { Measured } from "./definitions.ts";
import { passOver } from "./held_out.ts";
import { densityFigures, figuresOf } from "./sums.ts";
import { Detection } from "./synthetic_detection.ts";
import { directionPairs } from "./synthetic_directions.ts";
import { directionFigures } from "./synthetic_scores.ts";
import { HELD_OUT_FROM, type SyntheticTask } from "./synthetic_task.ts";

/** All figures of a dictionary on `rows` held-out rows, a multiple of the task's unit. */
export async function evaluateSynthetic(
  gpu: Gpu,
  record: TrainedRecord,
  task: SyntheticTask,
  rows: number,
): Promise<Measured[]> {
  const dictionary = loadDictionary(gpu, record);
  const { points, firings } = task.rows(HELD_OUT_FROM, rows);
  const data = { rows, points: points.map((x, p) => ({ d: task.points[p].d, x })) };
  const pass = await passOver(dictionary, data, { keepCodes: true });
  const pairs = directionPairs(record, task.truth, pass.fired);
  const { figures, nearest } = directionFigures(pairs);
  const detection = new Detection(nearest, task.truth[0].probability.length);
  let first = 0;
  for (const code of pass.codes) {
    detection.add(code, firings, first);
    first += code.rows;
  }
  return [
    ...figures,
    ...detection.figures(),
    ...figuresOf(pass.sums),
    ...densityFigures(pass.fired, rows),
  ];
}
