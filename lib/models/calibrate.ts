/**
 * The threshold that stands for a selection over the batch after training: on rows that were not trained on, a row has k
 * active latents on average, exactly. The average of the K-th values that training keeps is close to it, but tends to
 * let a few more through. Source: architectures spec, section 3.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { loadDictionary } from "./inference.ts";
import type { DictionaryRecord, TrainedRecord } from "./record.ts";

/**
 * The T with #{s > T} = `wanted`. Where equal scores make that impossible, the T whose number is nearest, of two equally
 * near ones that with fewer; 0 where not even as many are positive.
 * @param scores all scores above some bar, in any order; sorted in place
 */
export function calibrateThreshold(scores: Float32Array, wanted: number): number {
  if (scores.length <= wanted) return 0;
  scores.sort().reverse();
  const threshold = scores[wanted];
  if (wanted === 0 || scores[wanted - 1] > threshold) return threshold;
  const above = scores.indexOf(threshold);
  const below = scores.findLastIndex((s) => s === threshold) + 1;
  if (below - wanted >= wanted - above) return threshold;
  return below < scores.length ? scores[below] : 0;
}

/** Rows of a call. */
const CALL_ROWS = 1024;

/** Scores of all rows that exceed `bar`: what the gate compares, with decoder norms where the record says so. */
async function scoresAbove(
  gpu: Gpu,
  record: DictionaryRecord,
  points: readonly Float32Array[],
  bar: number,
): Promise<Float32Array> {
  const { dIn, dOut, dSae, wDec } = record;
  const activation = { name: "batchtopk", k: 0, threshold: bar } as const;
  const rows = points[0].length / dIn;
  const dictionary = loadDictionary(gpu, { ...record, activation }, Math.min(CALL_ROWS, rows));
  const norms = record.gateByDecoderNorm
    ? Float64Array.from(
      { length: dSae },
      (_, f) => Math.hypot(...wDec.subarray(f * dOut, (f + 1) * dOut)),
    )
    : undefined;
  const parts: Float32Array[] = [];
  for (let first = 0; first < rows; first += dictionary.maxRows) {
    const end = Math.min(rows, first + dictionary.maxRows);
    const part = points.map((p, i) => {
      const width = dictionary.widths[i];
      return p.subarray(first * width, end * width);
    });
    const { latent, value } = await dictionary.run(part);
    parts.push(norms ? value.map((v, e) => v * norms[latent[e]]) : value);
  }
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * A record whose threshold gives k active latents a row on `points`; any other record as it is.
 * @param points rows of every point, scaled as the record takes them: [rows, its width] each
 */
export async function calibrated(
  gpu: Gpu,
  record: TrainedRecord,
  points: readonly Float32Array[],
): Promise<TrainedRecord> {
  const { activation } = record;
  if (record.kind === "clt" || activation.name !== "batchtopk") return record;
  const wanted = Math.round(activation.k * points[0].length / record.dIn);
  // From where training left the threshold it is never far.
  for (const share of [0.7, 0.2, 0]) {
    const scores = await scoresAbove(gpu, record, points, share * activation.threshold);
    if (scores.length <= wanted && share > 0) continue;
    const threshold = calibrateThreshold(scores, wanted);
    return { ...record, activation: { ...activation, threshold } };
  }
  return record;
}
