/**
 * Running a trained matching pursuit: the same picks as in training. What depends on the dictionary alone is made once.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { pursuitCoder } from "../blocks/coders/pursuit.ts";
import { createWorkspace, frozenParameter, vectorOf } from "../blocks/types.ts";
import type { Gpu } from "../gpu/device.ts";
import { type Command, submit } from "../gpu/program.ts";
import { onlyShard, type Rows, writeRows } from "../gpu/rows.ts";
import type { CodeByRow } from "../kernels/code.ts";
import { STEP } from "../kernels/common.ts";
import { decodeRows } from "../kernels/decode_rows.ts";
import type { DictionaryRecord } from "./record.ts";

/** What a pursuit makes of rows. */
export interface PursuitInference {
  /** f32 [rows, dIn]: place of the input, which is the target as well. */
  readonly x: Rows;
  /** The code. */
  readonly code: CodeByRow;
  /** From `x` to the code. */
  readonly encode: readonly Command[];
  /** From the code to a reconstruction [rows, dOut]. */
  decode(recon: Rows): Command[];
}

/**
 * Puts a dictionary whose activation is `matching_pursuit` on the device.
 * @throws SdmError for another activation
 */
export function loadPursuit(gpu: Gpu, record: DictionaryRecord, rows: number): PursuitInference {
  const { activation, dIn, dOut, dSae } = record;
  if (activation.name !== "matching_pursuit") {
    throw new SdmError(
      `Cannot pursue with this dictionary: its activation is "${activation.name}", ` +
        '"matching_pursuit" is needed',
    );
  }
  const space = createWorkspace(gpu, { rows, dIn, dOut, dSae, inputBias: record.subtractBDec });
  const wDec = frozenParameter(gpu, "W_dec", dSae, dOut);
  const bDec = frozenParameter(gpu, "b_dec", 1, dOut);
  writeRows(gpu, wDec.value, record.wDec);
  writeRows(gpu, bDec.value, record.bDec);
  const { iterations } = activation;
  gpu.device.queue.writeBuffer(space.step, STEP.k * 4, new Uint32Array([iterations]));
  const coder = pursuitCoder(gpu, space, {
    ...activation,
    mode: activation.residualThreshold > 0 || activation.stopOnDuplicateSupport
      ? "dynamic"
      : "static",
    wDec,
    inputBias: record.subtractBDec ? bDec : undefined,
    frozen: true,
  });
  submit(gpu, coder.prepare());
  const [{ code }] = coder.codes;
  return {
    x: space.x,
    code,
    encode: coder.pursue(),
    decode: (recon) =>
      decodeRows.record(gpu, {
        code,
        w: wDec.value,
        bias: vectorOf(bDec),
        recon: onlyShard(recon),
      }),
  };
}
