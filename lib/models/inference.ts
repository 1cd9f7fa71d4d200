/**
 * A trained dictionary on the device: encodes and decodes rows with the blocks that training uses.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { rowsDecoder } from "../blocks/decoders/rows.ts";
import { denseEncoder } from "../blocks/encoders/dense.ts";
import { topkGate } from "../blocks/gates/topk.ts";
import { createWorkspace, frozenParameter, vectorOf } from "../blocks/types.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { type Command, submit } from "../gpu/program.ts";
import { readSlices } from "../gpu/readback.ts";
import { onlyShard, writeRows } from "../gpu/rows.ts";
import { centerRows } from "../kernels/center_rows.ts";
import { createCodeByLatent } from "../kernels/code.ts";
import { createCount, STEP } from "../kernels/common.ts";
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
  const space = createWorkspace(gpu, { rows: maxRows, dIn, dOut, dSae }, 1);
  const wEnc = frozenParameter(gpu, "W_enc", dSae, dIn);
  const bEnc = frozenParameter(gpu, "b_enc", 1, dSae);
  const wDec = frozenParameter(gpu, "W_dec", dSae, dOut);
  const bDec = frozenParameter(gpu, "b_dec", 1, dOut);
  const pre = frozenParameter(gpu, "b_pre", 1, dIn);
  writeRows(gpu, wEnc.value, record.wEnc);
  writeRows(gpu, bEnc.value, record.bEnc);
  writeRows(gpu, wDec.value, record.wDec);
  writeRows(gpu, bDec.value, record.bDec);
  if (record.subtractBDec) writeRows(gpu, pre.value, record.bDec);
  gpu.device.queue.writeBuffer(space.step, STEP.k * 4, new Uint32Array([activation.k]));

  const encoder = denseEncoder(gpu, space, wEnc, bEnc);
  const gate = topkGate(gpu, {
    rows: maxRows,
    kMax: activation.k,
    step: space.step,
    count: createCount(gpu, dSae),
  });
  const decoder = rowsDecoder(gpu, space, wDec, bDec);
  const selection = gate.forward(encoder.panels());
  const site = {
    code: gate.code,
    byLatent: createCodeByLatent(gpu, 1, 1, 1),
    recon: space.recon,
    residual: space.residual,
    scaleWord: 0,
  };
  const noMean = createBuffer(gpu, space.x.stride * 4, "no mean");
  const commands: Command[] = [
    centerRows.record(gpu, {
      rows: maxRows,
      d: dIn,
      x: onlyShard(space.x),
      bias: vectorOf(pre),
      centred: onlyShard(space.centred),
    }),
    ...selection.panels.flat(),
    ...selection.finish,
    ...decoder.forward(site, true),
    residualRows.record(gpu, {
      rows: maxRows,
      d: dOut,
      target: onlyShard(space.target),
      recon: onlyShard(space.recon),
      meanSum: noMean,
      meanFactor: 0,
      residual: onlyShard(space.residual),
      stats: space.stats,
    }),
  ];
  return {
    maxRows,
    async run(x, withRecon = false) {
      const rows = x.length / dIn;
      writeRows(gpu, space.x, x);
      submit(gpu, commands);
      const slices = [
        { buffer: gate.code.spans, size: rows * 8 },
        { buffer: gate.code.entries, size: rows * gate.code.capacity * 8 },
        { buffer: space.stats, size: rows * STATS * 4 },
      ];
      const stride = space.recon.stride;
      if (withRecon) slices.push({ buffer: onlyShard(space.recon), size: rows * stride * 4 });
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
