/**
 * A trained dictionary on the device: encodes and decodes rows with the blocks that training uses.
 * @module
 */
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { type Command, submit } from "../gpu/program.ts";
import { readSlices } from "../gpu/readback.ts";
import { createRows, onlyShard, type Rows, writeRows } from "../gpu/rows.ts";
import type { CodeByRow } from "../kernels/code.ts";
import { residualRows, STATS } from "../kernels/residual_rows.ts";
import { inferenceParts, type InferenceTarget } from "./inference_parts.ts";
import type { TrainedRecord } from "./record.ts";
import type { EncodedRows, LoadedDictionary } from "./loaded.ts";
import { rowNormalised } from "./row_normalised.ts";

export type { EncodedRows, LoadedDictionary } from "./loaded.ts";

/** A target with its buffers. */
interface Place {
  recon: Rows;
  stats: GPUBuffer;
  commands: Command[];
}

/**
 * Puts a dictionary on the device.
 * @param byBatch whether a selection that was trained over the batch is made over the rows of a call, of which there are
 * then always `maxRows`, in place of its threshold
 * @throws SdmError for what only later versions run
 */
export function loadDictionary(
  gpu: Gpu,
  record: TrainedRecord,
  wantedRows = 2048,
  byBatch = false,
): LoadedDictionary {
  const maxRows = wholeSequences(record, wantedRows);
  const parts = inferenceParts(gpu, record, maxRows, byBatch);
  const { code, inputs, targets } = parts;
  const places = targets.map((target) => placeOf(gpu, target, maxRows));
  const commands = [...parts.encode, ...places.flatMap((p) => p.commands)];
  const roomy = maxRows * code.capacity * 8 > MOST_ENTRY_BYTES;
  const written = [...new Set([...inputs, ...targets.map((t) => t.target)])];
  const loaded: LoadedDictionary = {
    maxRows,
    rowUnit: parts.rowUnit,
    latents: parts.latents,
    layerwise: isLayerwise(record),
    widths: written.map((w) => w.cols),
    async run(points, withRecon = false) {
      const rows = points[0].length / written[0].cols;
      written.forEach((place, i) => writeRows(gpu, place, points[i]));
      submit(gpu, commands);
      const slices = [
        { buffer: code.spans, size: rows * 8 },
        ...roomy ? [] : [{ buffer: code.entries, size: rows * code.capacity * 8 }],
        ...places.map((p) => ({ buffer: p.stats, size: rows * STATS * 4 })),
        ...withRecon
          ? places.map(({ recon }) => ({
            buffer: onlyShard(recon),
            size: rows * recon.stride * 4,
          }))
          : [],
      ];
      const [first, ...rest] = await readSlices(gpu, slices);
      const spans = new Uint32Array(first);
      const entries = roomy
        ? await readPacked(gpu, code, spans)
        : new Uint32Array(rest.shift() as ArrayBuffer);
      const recon = rest.slice(places.length);
      return {
        ...compact(spans, entries, roomy),
        stats: rest.slice(0, places.length).map((bytes) => new Float32Array(bytes)),
        recon: withRecon
          ? recon.map((bytes, i) => unpad(new Float32Array(bytes), rows, places[i].recon))
          : undefined,
      };
    },
  };
  const how = "rowNorm" in record ? record.rowNorm : undefined;
  return how === undefined ? loaded : rowNormalised(loaded, how, record.dIn);
}

/** Whether a layer's latents are chosen without a look at later layers. */
function isLayerwise(record: TrainedRecord): boolean {
  if (record.kind !== "clt" || record.scope === "layer") return true;
  return ["relu", "jumprelu", "batchtopk"].includes(record.activation.name);
}

/** Rows of whole sequences, where a record needs them. */
function wholeSequences(record: TrainedRecord, rows: number): number {
  const unit = record.kind === "lorsa" ? record.context : 1;
  return Math.max(1, Math.floor(rows / unit)) * unit;
}

/** Decode and sums of a target. */
function placeOf(gpu: Gpu, { target, decode }: InferenceTarget, rows: number): Place {
  const recon = createRows(gpu, "recon", rows, target.cols);
  const residual = createRows(gpu, "residual", rows, target.cols);
  const stats = createBuffer(gpu, rows * STATS * 4, "stats");
  const noMean = createBuffer(gpu, target.stride * 4, "no mean");
  return {
    recon,
    stats,
    commands: [
      ...decode(recon),
      residualRows.record(gpu, {
        rows,
        d: target.cols,
        target: onlyShard(target),
        recon: onlyShard(recon),
        meanSum: noMean,
        meanFactor: 0,
        residual: onlyShard(residual),
        stats,
      }),
    ],
  };
}

/** Above this the room behind the entries of rows is not read: another wait takes less time. */
const MOST_ENTRY_BYTES = 8 * 2 ** 20;

/** The entries of all rows without the room between them. */
async function readPacked(gpu: Gpu, code: CodeByRow, spans: Uint32Array): Promise<Uint32Array> {
  const each = await readSlices(
    gpu,
    Array.from({ length: spans.length / 2 }, (_, r) => ({
      buffer: code.entries,
      offset: spans[2 * r] * 8,
      size: (spans[2 * r + 1] - spans[2 * r]) * 8,
    })),
  );
  const out = new Uint32Array(each.reduce((n, bytes) => n + bytes.byteLength / 4, 0));
  let at = 0;
  for (const bytes of each) {
    out.set(new Uint32Array(bytes), at);
    at += bytes.byteLength / 4;
  }
  return out;
}

/**
 * Entries of all rows without the room between them.
 * @param packed whether they are without it already
 */
function compact(
  spans: Uint32Array,
  entries: Uint32Array,
  packed: boolean,
): Pick<EncodedRows, "rows" | "rowStart" | "latent" | "value"> {
  const rows = spans.length / 2;
  const rowStart = new Uint32Array(rows + 1);
  for (let r = 0; r < rows; r++) rowStart[r + 1] = rowStart[r] + spans[2 * r + 1] - spans[2 * r];
  const latent = new Uint32Array(rowStart[rows]);
  const value = new Float32Array(rowStart[rows]);
  const values = new Float32Array(entries.buffer);
  for (let r = 0; r < rows; r++) {
    let e = packed ? rowStart[r] : spans[2 * r];
    for (let out = rowStart[r]; out < rowStart[r + 1]; out++, e++) {
      latent[out] = entries[2 * e];
      value[out] = values[2 * e + 1];
    }
  }
  return { rows, rowStart, latent, value };
}

function unpad(data: Float32Array, rows: number, { cols, stride }: Rows): Float32Array {
  if (cols === stride) return data;
  const out = new Float32Array(rows * cols);
  for (let r = 0; r < rows; r++) {
    out.set(data.subarray(r * stride, r * stride + cols), r * cols);
  }
  return out;
}
