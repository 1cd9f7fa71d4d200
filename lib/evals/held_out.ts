/**
 * One pass of a dictionary over held-out rows: metrics, how often each latent fires, and the code itself for dashboards.
 * @module
 */
import type { EncodedRows, LoadedDictionary } from "../models/inference.ts";
import { addRow, emptySums, type EvalSums } from "./sums.ts";
import { STATS } from "../kernels/residual_rows.ts";

/** Held-out rows, all in memory. */
export interface HeldOutRows {
  /** Number of rows. */
  rows: number;
  /** Width. */
  d: number;
  /** Row-major [rows, d]. */
  x: Float32Array;
}

/** What a pass found. */
export interface HeldOutPass {
  /** Sums for metrics. */
  sums: EvalSums;
  /** Rows on which each latent fired. */
  fired: Uint32Array;
  /** Rows that had i active latents, at place i. */
  l0Counts: number[];
  /** The code of every call, in order of rows; empty unless kept. */
  codes: EncodedRows[];
}

/** Runs a dictionary over all rows. `onRows` hears how many are done. */
export async function passOver(
  dictionary: LoadedDictionary,
  dSae: number,
  data: HeldOutRows,
  options: { keepCodes: boolean; onRows?: (rows: number) => void },
): Promise<HeldOutPass> {
  const { rows, d, x } = data;
  const pass: HeldOutPass = {
    sums: emptySums(d),
    fired: new Uint32Array(dSae),
    l0Counts: [],
    codes: [],
  };
  for (let first = 0; first < rows; first += dictionary.maxRows) {
    const count = Math.min(dictionary.maxRows, rows - first);
    const part = x.subarray(first * d, (first + count) * d);
    const code = await dictionary.run(part);
    addCode(pass, part, d, code);
    if (options.keepCodes) pass.codes.push(code);
    options.onRows?.(first + count);
  }
  for (let i = 0; i < pass.l0Counts.length; i++) pass.l0Counts[i] ??= 0;
  return pass;
}

function addCode(pass: HeldOutPass, x: Float32Array, d: number, code: EncodedRows): void {
  const { rowStart, latent, value, stats } = code;
  for (let r = 0; r < code.rows; r++) {
    let l1 = 0;
    for (let e = rowStart[r]; e < rowStart[r + 1]; e++) {
      pass.fired[latent[e]]++;
      l1 += value[e];
    }
    const active = rowStart[r + 1] - rowStart[r];
    pass.l0Counts[active] = (pass.l0Counts[active] ?? 0) + 1;
    const s = stats.subarray(r * STATS, (r + 1) * STATS);
    addRow(
      pass.sums,
      x.subarray(r * d, (r + 1) * d),
      { error: s[0], reconSquare: s[2], product: s[3] },
      { active, l1 },
    );
  }
}
