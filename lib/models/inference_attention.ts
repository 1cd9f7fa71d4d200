/**
 * Running a trained low-rank sparse attention: whole sequences through its encoder, under its gate.
 * @module
 */
import { panelCoder } from "../blocks/coders/panels.ts";
import { attentionEncoder } from "../blocks/encoders/attention.ts";
import { gateByNorm } from "../blocks/gates/by_norm.ts";
import { decoderNorms } from "../blocks/norms/decoder_norms.ts";
import { type Coder, frozenParameter, type Parameter, type Workspace } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { writeRows } from "../gpu/rows.ts";
import { inferenceGate } from "./inference_gates.ts";
import type { LorsaRecord } from "./record.ts";

/** The encoder of a record under its gate. */
export function loadAttention(
  gpu: Gpu,
  space: Workspace,
  record: LorsaRecord,
  { wDec, byBatch }: { wDec: Parameter; byBatch: boolean },
): Coder {
  const { dIn, dSae, heads, width, lnQ, lnK } = record;
  const load = (name: string, rows: number, cols: number, data: Float32Array) => {
    const parameter = frozenParameter(gpu, name, rows, cols);
    writeRows(gpu, parameter.value, data);
    return parameter;
  };
  const count = heads * width;
  const encoder = attentionEncoder(gpu, space, {
    heads,
    length: record.context,
    scale: record.scale,
    rotary: record.rotary,
    eps: record.eps,
    wQ: load("W_Q", count, dIn, record.wQ),
    bQ: load("b_Q", 1, count, record.bQ),
    wK: load("W_K", count, dIn, record.wK),
    bK: load("b_K", 1, count, record.bK),
    wV: load("W_V", dSae, dIn, record.wV),
    bV: load("b_V", 1, dSae, record.bV),
    lnQ: lnQ && load("ln_q", 1, count, lnQ),
    lnK: lnK && load("ln_k", 1, count, lnK),
  });
  const plain = inferenceGate(gpu, space, record.activation, dSae, byBatch);
  const gate = record.gateByDecoderNorm
    ? gateByNorm(gpu, plain, { rows: space.rows, norms: decoderNorms(gpu, wDec) })
    : plain;
  return panelCoder(encoder, gate);
}
