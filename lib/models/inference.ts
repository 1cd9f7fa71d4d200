/**
 * A trained dictionary on the device: encodes and decodes rows with the blocks that training uses.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { panelCoder } from "../blocks/coders/panels.ts";
import { denseEncoder } from "../blocks/encoders/dense.ts";
import { topkGate } from "../blocks/gates/topk.ts";
import { createWorkspace, frozenParameter, vectorOf } from "../blocks/types.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { type Command, submit } from "../gpu/program.ts";
import { readSlices } from "../gpu/readback.ts";
import { createRows, onlyShard, writeRows } from "../gpu/rows.ts";
import { createCount, STEP } from "../kernels/common.ts";
import { decodeRows } from "../kernels/decode_rows.ts";
import { residualRows, STATS } from "../kernels/residual_rows.ts";
import type { DictionaryRecord } from "./record.ts";

/** Codes and sums of some rows, on the host. */
export interface EncodedRows {
  /** Number of rows. */
  rows: number;
  /** First entry of each row, and one past the last of all [rows + 1]. */
  rowStart: Uint32Array;
  /** Latents, ascending within a row. */
  latent: Uint32Array;
  /** Their values, all positive. */
  value: Float32Array;
  /** Sums of each row, [rows, STATS]: |r|², -, |y|², x·y, |x|². */
  stats: Float32Array;
  /** Reconstructions [rows, dOut], when they were asked for. */
  recon?: Float32Array;
}

/** A dictionary that is ready to run. */
export interface LoadedDictionary {
  /** Rows that a call may have at most. */
  readonly maxRows: number;
  /** Encodes and decodes `x`, row-major [rows ≤ maxRows, dIn]. */
  run(x: Float32Array, withRecon?: boolean): Promise<EncodedRows>;
}

/**
 * Puts a dictionary on the device.
 * @throws SdmError for an activation that only later versions run
 */
export function loadDictionary(
  gpu: Gpu,
  record: DictionaryRecord,
  maxRows = 2048,
): LoadedDictionary {
  const { activation, dIn, dOut, dSae } = record;
  if (activation.name !== "topk" || record.kind !== "sae" || record.gateByDecoderNorm) {
    throw new SdmError(
      `Cannot run this dictionary: a ${record.kind} with "${activation.name}" was found, ` +
        `this version runs autoencoders with "topk"`,
    );
  }
  const inputBias = record.subtractBDec;
  const space = createWorkspace(gpu, { rows: maxRows, dIn, dOut, dSae, inputBias });
  const frozen = (name: string, rows: number, cols: number, data: Float32Array) => {
    const parameter = frozenParameter(gpu, name, rows, cols);
    writeRows(gpu, parameter.value, data);
    return parameter;
  };
  const wDec = frozen("W_dec", dSae, dOut, record.wDec);
  const bDec = frozen("b_dec", 1, dOut, record.bDec);
  gpu.device.queue.writeBuffer(space.step, STEP.k * 4, new Uint32Array([activation.k]));
  const encoder = denseEncoder(gpu, space, {
    wEnc: frozen("W_enc", dSae, dIn, record.wEnc),
    bEnc: frozen("b_enc", 1, dSae, record.bEnc),
    inputBias: inputBias ? bDec : undefined,
  });
  const count = createCount(gpu, dSae);
  const gate = topkGate(gpu, { rows: maxRows, kMax: activation.k, step: space.step, count });
  const coder = panelCoder(encoder, gate);
  const [{ code }] = coder.codes;
  const outRows = createRows(gpu, "recon", maxRows, dOut);
  const residual = createRows(gpu, "residual", maxRows, dOut);
  const statsBuffer = createBuffer(gpu, maxRows * STATS * 4, "stats");
  const noMean = createBuffer(gpu, space.x.stride * 4, "no mean");
  const commands: Command[] = [
    ...coder.forward(),
    ...decodeRows.record(gpu, {
      code,
      w: wDec.value,
      bias: vectorOf(bDec),
      recon: onlyShard(outRows),
    }),
    residualRows.record(gpu, {
      rows: maxRows,
      d: dOut,
      target: onlyShard(space.target),
      recon: onlyShard(outRows),
      meanSum: noMean,
      meanFactor: 0,
      residual: onlyShard(residual),
      stats: statsBuffer,
    }),
  ];
  return {
    maxRows,
    async run(x, withRecon = false) {
      const rows = x.length / dIn;
      writeRows(gpu, space.x, x);
      submit(gpu, commands);
      const slices = [
        { buffer: code.spans, size: rows * 8 },
        { buffer: code.entries, size: rows * code.capacity * 8 },
        { buffer: statsBuffer, size: rows * STATS * 4 },
      ];
      const stride = outRows.stride;
      if (withRecon) slices.push({ buffer: onlyShard(outRows), size: rows * stride * 4 });
      const [spans, entries, stats, recon] = await readSlices(gpu, slices);
      return {
        ...compact(rows, new Uint32Array(spans), new Uint32Array(entries)),
        stats: new Float32Array(stats),
        recon: recon && unpad(new Float32Array(recon), rows, dOut, stride),
      };
    },
  };
}

/** Entries of all rows without the room between them. */
function compact(
  rows: number,
  spans: Uint32Array,
  entries: Uint32Array,
): Pick<EncodedRows, "rows" | "rowStart" | "latent" | "value"> {
  const rowStart = new Uint32Array(rows + 1);
  for (let r = 0; r < rows; r++) rowStart[r + 1] = rowStart[r] + spans[2 * r + 1] - spans[2 * r];
  const latent = new Uint32Array(rowStart[rows]);
  const value = new Float32Array(rowStart[rows]);
  const values = new Float32Array(entries.buffer);
  for (let r = 0; r < rows; r++) {
    let out = rowStart[r];
    for (let e = spans[2 * r]; e < spans[2 * r + 1]; e++, out++) {
      latent[out] = entries[2 * e];
      value[out] = values[2 * e + 1];
    }
  }
  return { rows, rowStart, latent, value };
}

function unpad(data: Float32Array, rows: number, cols: number, stride: number): Float32Array {
  if (cols === stride) return data;
  const out = new Float32Array(rows * cols);
  for (let r = 0; r < rows; r++) {
    out.set(data.subarray(r * stride, r * stride + cols), r * cols);
  }
  return out;
}
