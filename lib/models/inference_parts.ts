/**
 * What running a trained dictionary takes, by what its record says: places for the points, commands that make the code,
 * and a decode for every target. Nothing here has gradients.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { panelCoder } from "../blocks/coders/panels.ts";
import { joinCoders } from "../blocks/coders/layers.ts";
import { skipConnection } from "../blocks/decoders/skip.ts";
import { denseEncoder } from "../blocks/encoders/dense.ts";
import { gateByNorm } from "../blocks/gates/by_norm.ts";
import { decoderNorms } from "../blocks/norms/decoder_norms.ts";
import { joinEncoders, localLatents } from "../blocks/encoders/layers.ts";
import {
  type Coder,
  createWorkspace,
  frozenParameter,
  type Parameter,
  type ScoreEncoder,
  vectorOf,
  type Workspace,
} from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import { onlyShard, type Rows, writeRows } from "../gpu/rows.ts";
import type { CodeByRow } from "../kernels/code.ts";
import { decodeRows } from "../kernels/decode_rows.ts";
import { inferenceGate } from "./inference_gates.ts";
import { loadKeys } from "./inference_keys.ts";
import { loadPursuit } from "./inference_pursuit.ts";
import { loadAttention } from "./inference_attention.ts";
import type { CltRecord, DictionaryRecord, LorsaRecord, TrainedRecord } from "./record.ts";

/** Where an output is compared, and how it is made. */
export interface InferenceTarget {
  /** f32 [rows, dOut]: what should come out. */
  readonly target: Rows;
  /** From the code to the output. */
  decode(recon: Rows): Command[];
}

/** The parts of a dictionary that runs. */
export interface InferenceParts {
  /** Places of the inputs. */
  readonly inputs: readonly Rows[];
  /** The code, its latents numbered over all layers. */
  readonly code: CodeByRow;
  /** Number of latents, of all layers together. */
  readonly latents: number;
  /** Rows of a batch are a multiple of this: 1, or the tokens of a sequence. */
  readonly rowUnit: number;
  /** From the inputs to the code. */
  readonly encode: readonly Command[];
  /** The outputs. */
  readonly targets: readonly InferenceTarget[];
}

/** A parameter with its values on the device. */
export function loadParameter(
  gpu: Gpu,
  name: string,
  rows: number,
  cols: number,
  data: Float32Array,
): Parameter {
  const parameter = frozenParameter(gpu, name, rows, cols);
  writeRows(gpu, parameter.value, data);
  return parameter;
}

/**
 * The parts of any record.
 * @param byBatch whether a selection that was trained over the batch is made over the batch, of always `rows` rows
 * @throws SdmError for what only later versions run
 */
export function inferenceParts(
  gpu: Gpu,
  record: TrainedRecord,
  rows: number,
  byBatch = false,
): InferenceParts {
  if (record.kind === "lorsa") return attentionParts(gpu, record, rows, byBatch);
  if (record.kind !== "clt") {
    const picks = record.activation.name === "matching_pursuit";
    return picks ? pursuitParts(gpu, record, rows) : denseParts(gpu, record, rows, byBatch);
  }
  if (record.gateByDecoderNorm) {
    throw new SdmError(
      "Cannot run this dictionary: its gate looks at decoder norms, one with unit rows is needed",
    );
  }
  return layersParts(gpu, record, rows);
}

/** One code from one input. */
function denseParts(
  gpu: Gpu,
  record: DictionaryRecord,
  rows: number,
  byBatch: boolean,
): InferenceParts {
  const { dIn, dOut, dSae, kind, subtractBDec: inputBias } = record;
  const separateTarget = kind !== "sae";
  const space = createWorkspace(gpu, { rows, dIn, dOut, dSae, separateTarget, inputBias });
  const bDec = loadParameter(gpu, "b_dec", 1, dOut, record.bDec);
  const wDec = loadParameter(gpu, "W_dec", dSae, dOut, record.wDec);
  const { activation } = record;
  const pre = inputBias ? bDec : undefined;
  const coder = activation.name === "product_keys"
    ? loadKeys(gpu, space, record, activation, pre)
    : loadDense(gpu, space, record, { wDec, inputBias: pre, byBatch });
  const [{ code }] = coder.codes;
  const { wSkip } = record;
  const skip = wSkip &&
    skipConnection(gpu, space, loadParameter(gpu, "W_skip", dOut, dIn, wSkip));
  return {
    inputs: [space.x],
    code,
    latents: dSae,
    rowUnit: coder.scope === "batch" ? rows : 1,
    encode: coder.forward(),
    targets: [{
      target: space.target,
      decode: (recon) => [
        ...decodeInto(gpu, code, wDec, bDec, recon),
        ...skip?.addTo(recon) ?? [],
      ],
    }],
  };
}

/** A dense encoder under the record's gate. */
function loadDense(
  gpu: Gpu,
  space: Workspace,
  record: DictionaryRecord,
  { wDec, inputBias, byBatch }: { wDec: Parameter; inputBias?: Parameter; byBatch: boolean },
): Coder {
  const { dIn, dSae } = record;
  const encoder = denseEncoder(gpu, space, {
    wEnc: loadParameter(gpu, "W_enc", dSae, dIn, record.wEnc),
    bEnc: loadParameter(gpu, "b_enc", 1, dSae, record.bEnc),
    inputBias,
  });
  const plain = inferenceGate(gpu, space, record.activation, dSae, byBatch);
  const gate = record.gateByDecoderNorm
    ? gateByNorm(gpu, plain, { rows: space.rows, norms: decoderNorms(gpu, wDec) })
    : plain;
  return panelCoder(encoder, gate);
}

/** One code from whole sequences of one input. */
function attentionParts(
  gpu: Gpu,
  record: LorsaRecord,
  rows: number,
  byBatch: boolean,
): InferenceParts {
  const { dIn, dOut, dSae, context } = record;
  const shape = { rows, dIn, dOut, dSae, separateTarget: true, inputBias: false };
  const space = createWorkspace(gpu, shape);
  const bDec = loadParameter(gpu, "b_dec", 1, dOut, record.bDec);
  const wDec = loadParameter(gpu, "W_dec", dSae, dOut, record.wDec);
  const coder = loadAttention(gpu, space, record, { wDec, byBatch });
  const [{ code }] = coder.codes;
  return {
    inputs: [space.x],
    code,
    latents: dSae,
    rowUnit: coder.scope === "batch" ? rows : context,
    encode: coder.forward(),
    targets: [{
      target: space.target,
      decode: (recon) => decodeInto(gpu, code, wDec, bDec, recon),
    }],
  };
}

/** A code that is picked from what is left of the input. */
function pursuitParts(gpu: Gpu, record: DictionaryRecord, rows: number): InferenceParts {
  const { x, code, encode, decode } = loadPursuit(gpu, record, rows);
  const targets = [{ target: x, decode }];
  return { inputs: [x], code, latents: record.dSae, rowUnit: 1, encode, targets };
}

function decodeInto(
  gpu: Gpu,
  code: CodeByRow,
  wDec: Parameter,
  bDec: Parameter,
  recon: Rows,
): Command[] {
  return decodeRows.record(gpu, {
    code,
    w: wDec.value,
    bias: vectorOf(bDec),
    recon: onlyShard(recon),
  });
}

/** One code from the inputs of several layers. */
function layersParts(gpu: Gpu, record: CltRecord, rows: number): InferenceParts {
  const { layers, dIn, dOut, dSae } = record;
  const all = layers * dSae;
  const shape = { rows, dIn, dOut, dSae, separateTarget: true, inputBias: false };
  const spaces: Workspace[] = Array.from({ length: layers }, () => createWorkspace(gpu, shape));
  const bEnc = loadParameter(gpu, "b_enc", 1, all, record.bEnc);
  const encoders: ScoreEncoder[] = [];
  spaces.forEach((space, l) => {
    const values = record.wEnc.subarray(l * dSae * dIn, (l + 1) * dSae * dIn);
    encoders.push(denseEncoder(gpu, space, {
      wEnc: loadParameter(gpu, `W_enc_${l}`, dSae, dIn, values),
      bEnc,
      firstLatent: l * dSae,
      scores: encoders[0]?.scores,
    }));
  });
  const coder = layersCoder(gpu, record, spaces, encoders);
  const [{ code }] = coder.codes;
  return {
    inputs: spaces.map((s) => s.x),
    code,
    latents: all,
    rowUnit: 1,
    encode: coder.forward(),
    targets: spaces.map(({ target }, l) => {
      const wDec = loadParameter(gpu, `W_dec_${l}`, (l + 1) * dSae, dOut, record.wDec[l]);
      const bDec = loadParameter(gpu, `b_dec_${l}`, 1, dOut, record.bDec[l]);
      return { target, decode: (recon: Rows) => decodeInto(gpu, code, wDec, bDec, recon) };
    }),
  };
}

/** Every layer by itself, or all of them under one gate. */
function layersCoder(
  gpu: Gpu,
  { activation, scope, layers, dSae }: CltRecord,
  spaces: readonly Workspace[],
  encoders: readonly ScoreEncoder[],
): Coder {
  const all = joinEncoders(encoders);
  if (scope === "all") {
    return panelCoder(all, inferenceGate(gpu, spaces[0], activation, layers * dSae));
  }
  const each = encoders.map((encoder, l) =>
    panelCoder(
      localLatents(encoder, l * dSae),
      inferenceGate(gpu, spaces[l], activation, dSae),
    )
  );
  return joinCoders(gpu, each, all, dSae);
}
