/**
 * The threshold that stands for a selection over the batch after training: on rows that were not trained on, a row has k
 * active latents on average, exactly. The average of the K-th values that training keeps is close to it, but tends to
 * let a few more through. Source: architectures spec, section 3.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { freeable, type Gpu } from "../gpu/device.ts";
import { type EncodedRows, loadDictionary, type LoadedDictionary } from "./inference.ts";
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

/** The record with everything above `bar` let through, on the device. */
export function loadAbove(
  gpu: Gpu,
  record: TrainedRecord,
  rows: number,
  bar: number,
): LoadedDictionary {
  const activation = { name: "batchtopk", k: 0, threshold: bar } as const;
  return loadDictionary(gpu, { ...record, activation }, Math.min(CALL_ROWS, rows));
}

/** Scores of all rows that exceed `bar`: what the gate compares, with decoder norms where the record says so. */
async function scoresAbove(
  gpu: Gpu,
  record: TrainedRecord,
  points: readonly Float32Array[],
  { bar, mask }: { bar: number; mask?: Float32Array },
): Promise<Scores> {
  const own = freeable(gpu);
  try {
    const rows = points[0].length / record.dIn;
    const dictionary = loadAbove(own, record, rows, bar);
    return await scoresOf(dictionary, record, points, mask);
  } finally {
    own.free();
  }
}

async function scoresOf(
  dictionary: LoadedDictionary,
  record: TrainedRecord,
  points: readonly Float32Array[],
  mask?: Float32Array,
): Promise<Scores> {
  const rows = points[0].length / record.dIn;
  const norms = normsOf(record);
  const latents: Uint32Array[] = [];
  const values: Float32Array[] = [];
  for (let first = 0; first < rows; first += dictionary.maxRows) {
    const end = Math.min(rows, first + dictionary.maxRows);
    const part = points.map((p, i) => {
      const width = dictionary.widths[i];
      return p.subarray(first * width, end * width);
    });
    const { latent, value } = counted(await dictionary.run(part), mask?.subarray(first, end));
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

/** Entries of the rows that count. */
function counted({ rows, rowStart, latent, value }: EncodedRows, mask?: Float32Array): Scores {
  if (!mask) return { latent, value };
  const kept: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let e = rowStart[r]; mask[r] !== 0 && e < rowStart[r + 1]; e++) kept.push(e);
  }
  return {
    latent: Uint32Array.from(kept, (e) => latent[e]),
    value: Float32Array.from(kept, (e) => value[e]),
  };
}

function normsOf({ gateByDecoderNorm, wDec, dSae, dOut }: TrainedRecord) {
  if (!gateByDecoderNorm || !(wDec instanceof Float32Array)) return undefined;
  return Float64Array.from(
    { length: dSae },
    (_, f) => Math.hypot(...wDec.subarray(f * dOut, (f + 1) * dOut)),
  );
}

/** Thresholds by layer, or one for all latents, that let `wanted` scores of each through on `points`. */
async function thresholdsOf(
  gpu: Gpu,
  record: TrainedRecord,
  points: readonly Float32Array[],
  { k, near, mask }: { k: number; near: number; mask?: Float32Array },
): Promise<number[]> {
  const rows = mask
    ? mask.reduce((n, count) => count === 0 ? n : n + 1, 0)
    : points[0].length / record.dIn;
  const wanted = Math.round(k * rows);
  const layers = layersOf(record);
  // From where the threshold is thought to be it is never far; of several layers nothing is known.
  const bars = layers === 1 ? [0.7 * near, 0.2 * near, 0] : [0];
  for (const bar of bars) {
    const { latent, value } = await scoresAbove(gpu, record, points, { bar, mask });
    if (value.length <= wanted && bar > 0) continue;
    if (layers === 1) return [calibrateThreshold(value, wanted)];
    return Array.from({ length: layers }, (_, l) => {
      const own = value.filter((_, e) => Math.floor(latent[e] / record.dSae) === l);
      return calibrateThreshold(own, wanted);
    });
  }
  throw new Error("a bar of zero lets everything through");
}

/** Layers that select by themselves. */
function layersOf(record: TrainedRecord): number {
  return record.kind === "clt" && record.scope === "layer" ? record.layers : 1;
}

/**
 * A record whose threshold gives k active latents a row on `points`; any other record as it is. Layers that select by
 * themselves get a threshold each, and are a JumpReLU from then on.
 * @param points rows of every point, scaled as the record takes them: [rows, its width] each
 * @param mask [rows]: 0 for rows that are there only for others of their context; all count when absent
 */
export async function calibrated<T extends TrainedRecord>(
  gpu: Gpu,
  record: T,
  points: readonly Float32Array[],
  mask?: Float32Array,
): Promise<T> {
  const { activation } = record;
  if (activation.name !== "batchtopk") return record;
  if (layersOf(record) > 1) return await asJumprelu(gpu, record, points);
  const [threshold] = await thresholdsOf(gpu, record, points, {
    k: activation.k,
    near: activation.threshold,
    mask,
  });
  return { ...record, activation: { ...activation, threshold } };
}

/** Rows that say where a threshold is, before all of them are looked at. */
const FIRST_ROWS = 256;

/**
 * A dictionary that selects by count as a JumpReLU, which needs no other latent and no other row to know whether a latent
 * is active: the thresholds let k latents a row through on `points` on average, layer by layer where layers select by
 * themselves. Thresholds on scores times decoder norms are divided by the norms, so that decoders are not needed either.
 * Source: architectures spec, section 10.6.
 * @param points rows of every point as the record takes them: [rows, its width] each
 * @throws SdmError for a record that does not select by count
 */
export async function asJumprelu<T extends TrainedRecord>(
  gpu: Gpu,
  record: T,
  points: readonly Float32Array[],
): Promise<T> {
  const { activation, dIn, dSae } = record;
  if (activation.name !== "topk" && activation.name !== "batchtopk") {
    throw new SdmError(
      `Cannot make thresholds of "${activation.name}": topk or batchtopk is needed`,
    );
  }
  const { k } = activation;
  const first = points.map((p) =>
    p.subarray(0, FIRST_ROWS * (p.length / (points[0].length / dIn)))
  );
  const near = layersOf(record) > 1 ? [0] : await thresholdsOf(gpu, record, first, { k, near: 0 });
  const each = await thresholdsOf(gpu, record, points, { k, near: near[0] });
  const latents = record.kind === "clt" ? record.layers * dSae : dSae;
  const norms = normsOf(record);
  const threshold = Float32Array.from({ length: latents }, (_, f) => {
    const own = each.length === 1 ? each[0] : each[Math.floor(f / dSae)];
    return norms ? own / norms[f] : own;
  });
  return {
    ...record,
    activation: { name: "jumprelu", threshold },
    gateByDecoderNorm: false,
    ...record.kind === "clt" && { scope: "all" },
  };
}
