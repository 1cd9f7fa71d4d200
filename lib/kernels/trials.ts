/**
 * The kernels that have variants, each at the shape of a real step, on numbers that the host can check.
 * @module
 */
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { createRows, onlyShard, writeRows } from "../gpu/rows.ts";
import type { PreparedTrial, Trial } from "../gpu/tune.ts";
import { createCodeByRow } from "./code.ts";
import { columnVariants, createCount, STEP } from "./common.ts";
import { decodeRows } from "./decode_rows.ts";
import { encodeGemm } from "./encode_gemm.ts";
import { gatherVariants } from "./gathers.ts";
import { matmul } from "./matmul.ts";
import { createRunningBest, topkMerge } from "./topk_merge.ts";

const ROWS = 1024;
const D = 768;
const PANEL = 1024;
const K = 32;

/** Numbers between -1 and 1 that a seed decides; a linear congruence, since millions are wanted at once. */
function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state / 2 ** 31 - 1;
  }
  return out;
}

function matrix(gpu: Gpu, label: string, data: Float32Array, rows: number, cols: number) {
  const made = createRows(gpu, label, rows, cols);
  writeRows(gpu, made, data);
  return made;
}

/** Places that are looked at: every tile of every variant has some. */
function* places(rows: number, cols: number): Generator<[row: number, col: number]> {
  for (let r = 0; r < rows; r += 13) yield [r, (r * 37) % cols];
}

/** Float32 sums of `terms` products below 1 in size stay within this of the exact ones. */
const bound = (terms: number) => 2 ** -22 * terms;

function faultAt(what: string, got: number, wanted: number, most: number): string | undefined {
  const near = Math.abs(got - wanted) <= most;
  return near ? undefined : `${what} is ${got} where ${wanted} is right`;
}

const encode: Trial = {
  kernel: "encode_gemm",
  variants: ({ facts }) => encodeGemm.variants(facts),
  prepare(gpu) {
    const x = numbers(ROWS * D, 1), w = numbers(PANEL * D, 2), b = numbers(PANEL, 3);
    const bias = createBuffer(gpu, PANEL * 4, "trial");
    gpu.device.queue.writeBuffer(bias, 0, b);
    const args = {
      rows: ROWS,
      latents: PANEL,
      d: D,
      x: onlyShard(matrix(gpu, "trial x", x, ROWS, D)),
      w: onlyShard(matrix(gpu, "trial w", w, PANEL, D)),
      bias,
      scores: createBuffer(gpu, ROWS * PANEL * 4, "trial"),
      firstLatent: 0,
      firstBias: 0,
      panel: PANEL,
    };
    return {
      commands: (device) => encodeGemm.record(device, args),
      output: args.scores,
      fault(scores) {
        for (const [r, l] of places(ROWS, PANEL)) {
          let wanted = b[l];
          for (let j = 0; j < D; j++) wanted += x[r * D + j] * w[l * D + j];
          const got = scores[r * PANEL + l];
          const fault = faultAt(`score of row ${r}, latent ${l}`, got, wanted, bound(D));
          if (fault) return fault;
        }
      },
    };
  },
};

const product: Trial = {
  kernel: "matmul",
  variants: ({ facts }) => matmul.variants(facts),
  prepare(gpu) {
    const left = numbers(ROWS * D, 4), right = numbers(D * D, 5);
    const a = matrix(gpu, "trial a", left, ROWS, D), b = matrix(gpu, "trial b", right, D, D);
    const c = createRows(gpu, "trial c", ROWS, D);
    return {
      commands: (device) => matmul.record(device, { a, b, c }),
      output: onlyShard(c),
      fault(values) {
        for (const [r, l] of places(ROWS, D)) {
          let wanted = 0;
          for (let j = 0; j < D; j++) wanted += left[r * D + j] * right[j * D + l];
          const fault = faultAt(`row ${r}, column ${l}`, values[r * D + l], wanted, bound(D));
          if (fault) return fault;
        }
      },
    };
  },
};

const merge: Trial = {
  kernel: "topk_merge",
  variants: ({ facts }) => topkMerge.variants(facts, { capacity: K, panel: PANEL }),
  prepare(gpu) {
    const data = numbers(ROWS * PANEL, 6);
    const scores = createBuffer(gpu, ROWS * PANEL * 4, "trial");
    gpu.device.queue.writeBuffer(scores, 0, data);
    const step = createBuffer(gpu, STEP.words * 4, "trial");
    gpu.device.queue.writeBuffer(step, STEP.k * 4, new Uint32Array([K]));
    const best = createRunningBest(gpu, ROWS, K);
    const count = createCount(gpu, PANEL);
    const shape = { panel: PANEL, width: PANEL, latents: PANEL, firstLatent: 0 };
    return {
      commands: (device) => [topkMerge.record(device, { best, scores, count, step, ...shape })],
      output: best.score,
      fault(lists) {
        for (let r = 0; r < ROWS; r += 13) {
          const wanted = data.slice(r * PANEL, (r + 1) * PANEL).sort().subarray(PANEL - K);
          const got = lists.slice(r * K, (r + 1) * K).sort();
          const i = wanted.findIndex((value, i) => value !== got[i]);
          if (i >= 0) return faultAt(`value ${i} of row ${r}`, got[i], wanted[i], 0);
        }
      },
    };
  },
};

const columns: Trial = {
  kernel: "columns",
  variants: ({ facts }) => columnVariants(facts),
  prepare: prepareDecode,
};

const gathers: Trial = {
  kernel: "gathers",
  variants: ({ facts }) => gatherVariants(facts),
  prepare: prepareDecode,
};

function prepareDecode(gpu: Gpu): PreparedTrial {
  const latents = 8192;
  const table = numbers(latents * D, 7), values = numbers(ROWS * K, 8);
  const code = createCodeByRow(gpu, ROWS, K);
  const stride = latents / K;
  const latentOf = (r: number, i: number) => i * stride + (r * 31 + i * 17) % stride;
  const entries = new ArrayBuffer(ROWS * K * 8);
  const words = new Uint32Array(entries), floats = new Float32Array(entries);
  for (let e = 0; e < ROWS * K; e++) {
    words[2 * e] = latentOf(Math.floor(e / K), e % K);
    floats[2 * e + 1] = values[e];
  }
  const spans = Uint32Array.from({ length: 2 * ROWS }, (_, i) => Math.ceil(i / 2) * K);
  gpu.device.queue.writeBuffer(code.entries, 0, entries);
  gpu.device.queue.writeBuffer(code.spans, 0, spans);
  const w = matrix(gpu, "trial w", table, latents, D);
  const recon = createBuffer(gpu, ROWS * D * 4, "trial");
  return {
    commands: (device) => decodeRows.record(device, { code, w, whole: true, recon }),
    output: recon,
    fault(rows) {
      for (const [r, j] of places(ROWS, D)) {
        let wanted = 0;
        for (let i = 0; i < K; i++) wanted += values[r * K + i] * table[latentOf(r, i) * D + j];
        const fault = faultAt(`row ${r}, column ${j}`, rows[r * D + j], wanted, bound(K));
        if (fault) return fault;
      }
    },
  };
}

/** All kernels with variants. */
export const TRIALS: readonly Trial[] = [encode, product, merge, gathers, columns];
