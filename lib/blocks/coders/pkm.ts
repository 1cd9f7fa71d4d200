/**
 * Product-key memory: latent `i1 · m2 + i2` has the score `u[i1] + v[i2] (+ b)` with `u = x Uᵀ + β_u`, `v = x Vᵀ + β_v`, so
 * that the k best of all latents are found from two short lists. Heads have sub-keys of their own; each proposes its
 * share of k, and what several propose adds up. Source: architectures spec, section 8.
 * @module
 */
import { SdmError } from "../../base/errors.ts";
import { formatBytes } from "../../base/format.ts";
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard, ROW_UNIT, type Rows } from "../../gpu/rows.ts";
import { centerRows } from "../../kernels/center_rows.ts";
import { type CodeByRow, createCodeByRow } from "../../kernels/code.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { encodeGemm, PANEL_UNIT } from "../../kernels/encode_gemm.ts";
import { matmul } from "../../kernels/matmul.ts";
import { pkmBiasGradient } from "../../kernels/pkm_bias_gradient.ts";
import { pkmGradient } from "../../kernels/pkm_gradient.ts";
import { pkmMerge } from "../../kernels/pkm_merge.ts";
import { type KeyGrid, pkmSelect } from "../../kernels/pkm_select.ts";
import { planShards, roundUp } from "../../tensor/shards.ts";
import { type Coder, gradOf, type Parameter, vectorOf, type Workspace } from "../types.ts";

/** A code of the k best latents, or of a multiple of k. */
export interface KeyCode {
  /** Entries to keep of a row, in units of k. */
  times: number;
  /** Weight of the reconstruction loss. */
  weight: number;
}

/** What a product-key memory is made of. */
export interface PkmOptions {
  /** Its grid. */
  grid: KeyGrid;
  /** [heads · (m1 + m2), dIn]: of every head the rows of U, then of V. */
  keys: Parameter;
  /** Vector [heads · (m1 + m2)]: β_u and β_v of every head. */
  keyBias: Parameter;
  /** Vector [latents] that every head adds to its scores; it takes part in the selection, which stays exact. */
  latentBias?: Parameter;
  /** Vector [dIn] that is taken from the input. */
  inputBias?: Parameter;
  /** Largest k of the run. */
  kMax: number;
  /** The codes; one of k when absent. */
  codes?: readonly KeyCode[];
}

/** Scores of all sub-keys [rows, heads · (m1 + m2)], rows padded to whole panels. */
function createScores(gpu: Gpu, rows: number, cols: number): Rows {
  const stride = roundUp(cols, PANEL_UNIT);
  const bytes = ROW_UNIT * stride * 4;
  if (bytes > gpu.facts.maxBindingBytes) {
    throw new SdmError(
      `Cannot plan product keys: ${ROW_UNIT} rows of ${cols} sub-key scores take ` +
        `${formatBytes(bytes)}, one binding holds ${formatBytes(gpu.facts.maxBindingBytes)}`,
      { hint: "fewer latents: --d-sae" },
    );
  }
  const ranges = planShards(rows, stride * 4, gpu.facts.maxBindingBytes, ROW_UNIT);
  const shards = ranges.map((range) => ({
    ...range,
    buffer: createBuffer(gpu, roundUp(range.rows, ROW_UNIT) * stride * 4, "sub-key scores"),
  }));
  return { label: "sub-key scores", rows, cols, stride, shards };
}

/** A code with what selects it. */
interface Selected {
  code: CodeByRow;
  /** u32 [rows · capacity]: who proposed an entry; absent for one head. */
  proposers?: GPUBuffer;
  select(): Command[];
}

function createSelected(
  gpu: Gpu,
  { space, scores, options }: { space: Workspace; scores: Rows; options: PkmOptions },
  times: number,
): Selected {
  const { grid, kMax, latentBias } = options;
  const { rows, step } = space;
  const { heads, latents } = grid;
  const most = Math.min(times * kMax, latents * heads);
  const code = createCodeByRow(gpu, rows, most);
  const selection = (lists: Pick<CodeByRow, "rows" | "capacity" | "spans" | "entries">) =>
    pkmSelect.record(gpu, {
      ...grid,
      scores,
      bias: latentBias && vectorOf(latentBias),
      step,
      times,
      lists,
    });
  if (heads === 1) return { code, select: () => selection(code) };
  const capacity = roundUp(Math.ceil(most / heads), 4);
  const lists = {
    rows: rows * heads,
    capacity,
    spans: createBuffer(gpu, rows * heads * 8, "spans of heads"),
    entries: createBuffer(gpu, rows * heads * capacity * 8, "entries of heads"),
  };
  const proposers = createBuffer(gpu, rows * code.capacity * 4, "proposers");
  return {
    code,
    proposers,
    select: () => [
      ...selection(lists),
      pkmMerge.record(gpu, { heads, lists, code, proposers }),
    ],
  };
}

/** From the batch to the scores of all sub-keys. */
function scoreKeys(gpu: Gpu, space: Workspace, scores: Rows, options: PkmOptions): Command[] {
  const { keys, keyBias, inputBias } = options;
  const { rows, centred } = space;
  const centre = inputBias
    ? [centerRows.record(gpu, {
      rows,
      d: centred.cols,
      x: onlyShard(space.x),
      bias: vectorOf(inputBias),
      centred: onlyShard(centred),
    })]
    : [];
  // Shards begin at multiples of ROW_UNIT, so that these places may be bound.
  const products = scores.shards.flatMap((part) =>
    keys.value.shards.flatMap((shard) =>
      encodeGemm.record(gpu, {
        rows: part.rows,
        latents: shard.rows,
        d: centred.cols,
        x: { buffer: onlyShard(centred), offset: part.firstRow * centred.stride * 4 },
        w: shard.buffer,
        firstLatent: 0,
        bias: vectorOf(keyBias),
        firstBias: shard.firstRow,
        scores: { buffer: part.buffer, offset: shard.firstRow * 4 },
        panel: scores.stride,
      })
    )
  );
  return [...centre, ...products];
}

/** Makes the coder. */
export function pkmCoder(gpu: Gpu, space: Workspace, options: PkmOptions): Coder {
  const { grid, keys, keyBias, latentBias, codes = [{ times: 1, weight: 1 }] } = options;
  const { m1, m2, heads } = grid;
  const scores = createScores(gpu, space.rows, heads * (m1 + m2));
  const selected = codes.map(({ times }) => createSelected(gpu, { space, scores, options }, times));
  return {
    scope: "row",
    candidates: "grid",
    parameters: [keys, keyBias, ...latentBias ? [latentBias] : []],
    state: [],
    codes: codes.map(({ weight }, i) => ({ code: selected[i].code, weight, trainsDecoder: true })),
    penalised: 0,
    forward: () => [
      ...scoreKeys(gpu, space, scores, options),
      ...selected.flatMap(({ select }) => select()),
    ],
    backward: (sites) => [
      // Nothing reads the scores any more: their derivatives take their place.
      ...sites.flatMap((site, i) =>
        pkmGradient.record(gpu, {
          m1,
          m2,
          heads,
          code: site.code,
          proposers: selected[i].proposers,
          grad: scores,
          add: i > 0,
        })
      ),
      ...matmul.record(gpu, {
        label: "gradient of sub-keys",
        transA: true,
        a: scores,
        b: space.centred,
        c: keys.grad,
      }),
      ...columnSums.record(gpu, {
        shards: scores.shards,
        stride: scores.stride,
        sums: gradOf(keyBias),
      }),
      ...latentBias
        ? sites.map((site, i) =>
          pkmBiasGradient.record(gpu, {
            code: site.byLatent,
            proposers: selected[i].proposers,
            grad: gradOf(latentBias),
            add: i > 0,
          })
        )
        : [],
    ],
    inputGradient: (sum) =>
      columnSums.record(gpu, {
        shards: keys.value.shards,
        stride: keys.value.stride,
        weights: gradOf(keyBias),
        sums: sum,
      }),
  };
}
