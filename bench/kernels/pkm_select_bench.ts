/**
 * The selection of a product-key memory; and, in the same rounds, the whole way from rows to codes at 65536 latents by
 * product keys and by a dense encoder with its running selection.
 * @module
 */
import { panelCoder } from "../../lib/blocks/coders/panels.ts";
import { pkmCoder } from "../../lib/blocks/coders/pkm.ts";
import { planKeyGrid } from "../../lib/blocks/coders/pkm_plan.ts";
import { denseEncoder } from "../../lib/blocks/encoders/dense.ts";
import { topkGate } from "../../lib/blocks/gates/topk.ts";
import {
  type Coder,
  createParameter,
  createWorkspace,
  frozenParameter,
  type Workspace,
} from "../../lib/blocks/types.ts";
import type { Cost } from "../../lib/gpu/kernel.ts";
import { writeRows } from "../../lib/gpu/rows.ts";
import { createCodeByRow } from "../../lib/kernels/code.ts";
import { createCount } from "../../lib/kernels/common.ts";
import { encodeGemm } from "../../lib/kernels/encode_gemm.ts";
import { pkmSelect } from "../../lib/kernels/pkm_select.ts";
import { topkMerge } from "../../lib/kernels/topk_merge.ts";
import { DEMO, draw, type Stage, stepWords, WIDE } from "../stage.ts";
import type { BenchCase, KernelBench } from "../types.ts";

const LATENTS = 65536;

function fullRows(k: number) {
  return (_: Float32Array, words: Uint32Array) => {
    const found = words[1] - words[0];
    return found === k ? undefined : `row 0 has ${found} entries, not ${k}`;
  };
}

function selection(stage: Stage, latents: number, k: number): BenchCase {
  const { gpu } = stage;
  const rows = DEMO.rows;
  const grid = planKeyGrid(latents);
  const lists = createCodeByRow(gpu, rows, k);
  return {
    shape: `${rows} x (${grid.m1} + ${grid.m2}), k ${k}`,
    cost: pkmSelect.cost({ rows, k, ...grid }),
    commands: pkmSelect.record(gpu, {
      ...grid,
      scores: stage.matrix(rows, grid.m1 + grid.m2, 7),
      step: stage.step(k),
      lists,
    }),
    output: lists.spans,
    type: "u32",
    check: fullRows(k),
  };
}

function encoding(
  stage: Stage,
  d: number,
  variant: string,
  make: (space: Workspace) => { coder: Coder; cost: Cost },
): BenchCase {
  const { gpu } = stage;
  const { rows, k } = DEMO;
  const space = createWorkspace(gpu, { rows, dIn: d, dOut: d, dSae: LATENTS, inputBias: false });
  writeRows(gpu, space.x, draw(rows * d, 1));
  gpu.device.queue.writeBuffer(space.step, 0, stepWords(k));
  const { coder, cost } = make(space);
  return {
    shape: `encoder, ${rows} x ${d} to ${LATENTS}, k ${k}`,
    variant,
    cost,
    commands: coder.forward(),
    output: coder.codes[0].code.spans,
    type: "u32",
    check: fullRows(k),
  };
}

function encoders(stage: Stage, d: number): BenchCase[] {
  const { gpu } = stage;
  const { rows, k } = DEMO;
  const scale = 1 / Math.sqrt(d);
  const keyed = encoding(stage, d, "product keys", (space) => {
    const grid = planKeyGrid(LATENTS);
    const count = grid.m1 + grid.m2;
    const keys = createParameter(gpu, "W_keys", count, d);
    writeRows(gpu, keys.value, draw(count * d, 8, scale));
    const keyBias = createParameter(gpu, "b_keys", 1, count);
    const product = encodeGemm.cost({ rows, latents: count, d });
    const select = pkmSelect.cost({ rows, k, ...grid });
    return {
      coder: pkmCoder(gpu, space, { grid, keys, keyBias, kMax: k }),
      cost: { flops: product.flops + select.flops, bytes: product.bytes + select.bytes },
    };
  });
  const dense = encoding(stage, d, "dense", (space) => {
    const wEnc = frozenParameter(gpu, "W_enc", LATENTS, d);
    writeRows(gpu, wEnc.value, draw(LATENTS * d, 9, scale));
    const bEnc = frozenParameter(gpu, "b_enc", 1, LATENTS);
    const gate = topkGate(gpu, {
      rows,
      kMax: k,
      step: space.step,
      count: createCount(gpu, LATENTS),
    });
    const product = encodeGemm.cost({ rows, latents: LATENTS, d });
    const merge = topkMerge.cost({ rows, width: LATENTS, k });
    return {
      coder: panelCoder(denseEncoder(gpu, space, { wEnc, bEnc }), gate),
      cost: { flops: product.flops + merge.flops, bytes: product.bytes + merge.bytes },
    };
  });
  return [keyed, dense];
}

/** The bench. */
export const bench: KernelBench = {
  stem: "pkm_select",
  cases: (stage) => [
    selection(stage, DEMO.latents, DEMO.k),
    selection(stage, LATENTS, DEMO.k),
    ...stage.full ? [selection(stage, LATENTS, 512), selection(stage, 36864, 2304)] : [],
    ...stage.full ? [...encoders(stage, DEMO.d), ...encoders(stage, WIDE.d)] : [],
  ],
};
