/**
 * The threshold that stands for a selection over the batch after training: on rows that were not trained on, a row has k
 * active latents on average, exactly. The average of the K-th values that training keeps is close to it, but tends to
 * let a few more through. Source: architectures spec, section 3.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { loadDictionary } from "./inference.ts";
import type { TrainedRecord } from "./record.ts";

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

/** Scores of all rows, with their latents. */
interface Scores {
  latent: Uint32Array;
  value: Float32Array;
}

/** Scores of all rows that exceed `bar`: what the gate compares, with decoder norms where the record says so. */
async function scoresAbove(
  gpu: Gpu,
  record: TrainedRecord,
  points: readonly Float32Array[],
  bar: number,
): Promise<Scores> {
  const activation = { name: "batchtopk", k: 0, threshold: bar } as const;
  const rows = points[0].length / record.dIn;
  const dictionary = loadDictionary(gpu, { ...record, activation }, Math.min(CALL_ROWS, rows));
  const norms = normsOf(record);
  const latents: Uint32Array[] = [];
  const values: Float32Array[] = [];
  for (let first = 0; first < rows; first += dictionary.maxRows) {
    const end = Math.min(rows, first + dictionary.maxRows);
    const part = points.map((p, i) => {
      const width = dictionary.widths[i];
      return p.subarray(first * width, end * width);
    });
    const { latent, value } = await dictionary.run(part);
    latents.push(latent);
    values.push(norms ? value.map((v, e) => v * norms[latent[e]]) : value);
  }
  const count = values.reduce((n, p) => n + p.length, 0);
  const out: Scores = { latent: new Uint32Array(count), value: new Float32Array(count) };
  let at = 0;
  values.forEach((value, i) => {
    out.latent.set(latents[i], at);
    out.value.set(value, at);
    at += value.length;
  });
  return out;
}

function normsOf({ gateByDecoderNorm, wDec, dSae, dOut }: TrainedRecord) {
  if (!gateByDecoderNorm || !(wDec instanceof Float32Array)) return undefined;
  return Float64Array.from(
    { length: dSae },
    (_, f) => Math.hypot(...wDec.subarray(f * dOut, (f + 1) * dOut)),
  );
}

/**
 * A record whose threshold gives k active latents a row on `points`; any other record as it is. Layers that select by
 * themselves get a threshold each, and are a JumpReLU from then on.
 * @param points rows of every point, scaled as the record takes them: [rows, its width] each
 */
export async function calibrated<T extends TrainedRecord>(
  gpu: Gpu,
  record: T,
  points: readonly Float32Array[],
): Promise<T> {
  const { activation } = record;
  if (activation.name !== "batchtopk") return record;
  const wanted = Math.round(activation.k * points[0].length / record.dIn);
  const layers = record.kind === "clt" && record.scope === "layer" ? record.layers : 1;
  // From where training left the threshold it is never far; layers differ.
  for (const share of layers === 1 ? [0.7, 0.2, 0] : [0]) {
    const { latent, value } = await scoresAbove(gpu, record, points, share * activation.threshold);
    if (value.length <= wanted && share > 0) continue;
    if (layers === 1) {
      const threshold = calibrateThreshold(value, wanted);
      return { ...record, activation: { ...activation, threshold } };
    }
    const threshold = new Float32Array(layers * record.dSae);
    for (let l = 0; l < layers; l++) {
      const own = value.filter((_, e) => Math.floor(latent[e] / record.dSae) === l);
      threshold.fill(calibrateThreshold(own, wanted), l * record.dSae, (l + 1) * record.dSae);
    }
    return { ...record, activation: { name: "jumprelu", threshold }, scope: "all" };
  }
  return record;
}
