/**
 * One pass of a dictionary over held-out rows: metrics, how often each latent fires, and the code itself for dashboards.
 * @module
 */
import { STATS } from "../kernels/residual_rows.ts";
import type { EncodedRows, LoadedDictionary } from "../models/inference.ts";
import { addRow, emptySums, type EvalSums } from "./sums.ts";

/** Activations of one point. */
export interface HeldOutPoint {
  /** Width. */
  d: number;
  /** Row-major [rows, d]. */
  x: Float32Array;
}

/** Held-out rows, all in memory. */
export interface HeldOutRows {
  /** Number of rows. */
  rows: number;
  /** The points: inputs, then targets; an autoencoder has one point for both. */
  points: readonly HeldOutPoint[];
  /** 1 for rows that count, 0 for those that are there only for others of their context [rows]; all count without it. */
  mask?: Float32Array;
}

/** What a pass found. */
export interface HeldOutPass {
  /** Sums for metrics over the rows that count, one a target. */
  sums: EvalSums[];
  /** Rows on which each latent fired, of those that count. */
  fired: Uint32Array;
  /** Rows that count and had i active latents, at place i. */
  l0Counts: number[];
  /** The code of every call, in order of rows; empty unless kept. */
  codes: EncodedRows[];
}

/** The targets among the points. */
export function targetsOf(points: readonly HeldOutPoint[]): readonly HeldOutPoint[] {
  return points.length === 1 ? points : points.slice(points.length / 2);
}

/** Runs a dictionary over all rows. `onRows` hears how many are done. */
export async function passOver(
  dictionary: LoadedDictionary,
  { rows, points, mask }: HeldOutRows,
  options: { keepCodes: boolean; onRows?: (rows: number) => void },
): Promise<HeldOutPass> {
  const pass: HeldOutPass = {
    sums: targetsOf(points).map(({ d }) => emptySums(d)),
    fired: new Uint32Array(dictionary.latents),
    l0Counts: [],
    codes: [],
  };
  const { maxRows, rowUnit } = dictionary;
  const step = Math.floor(maxRows / rowUnit) * rowUnit;
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const parts = points.map(({ d, x }) => ({
      d,
      x: x.subarray(first * d, (first + count) * d),
    }));
    const code = await dictionary.run(parts.map((p) => p.x));
    addCode(pass, targetsOf(parts), code, mask?.subarray(first, first + count));
    if (options.keepCodes) pass.codes.push(code);
    options.onRows?.(first + count);
  }
  for (let i = 0; i < pass.l0Counts.length; i++) pass.l0Counts[i] ??= 0;
  return pass;
}

function addCode(
  pass: HeldOutPass,
  targets: readonly HeldOutPoint[],
  code: EncodedRows,
  mask?: Float32Array,
): void {
  const { rowStart, latent, value, stats } = code;
  for (let r = 0; r < code.rows; r++) {
    if (mask && mask[r] === 0) continue;
    let l1 = 0;
    for (let e = rowStart[r]; e < rowStart[r + 1]; e++) {
      pass.fired[latent[e]]++;
      l1 += value[e];
    }
    const active = rowStart[r + 1] - rowStart[r];
    pass.l0Counts[active] = (pass.l0Counts[active] ?? 0) + 1;
    targets.forEach(({ d, x }, t) => {
      const s = stats[t].subarray(r * STATS, (r + 1) * STATS);
      addRow(
        pass.sums[t],
        x.subarray(r * d, (r + 1) * d),
        { error: s[0], reconSquare: s[2], product: s[3] },
        { active, l1 },
      );
    });
  }
}
