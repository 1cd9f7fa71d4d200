/** Dictionaries that are functions, for tests of what is made of their results. */
import { STATS } from "../../lib/kernels/residual_rows.ts";
import type { EncodedRows, LoadedDictionary } from "../../lib/models/inference.ts";

/** The code of dense rows of latents; values that are zero are left out. */
export function codeOf(rows: readonly (readonly number[])[]): EncodedRows {
  const rowStart = [0], latent: number[] = [], value: number[] = [];
  for (const row of rows) {
    row.forEach((v, f) => {
      if (v === 0) return;
      latent.push(f);
      value.push(v);
    });
    rowStart.push(latent.length);
  }
  return {
    rows: rows.length,
    rowStart: Uint32Array.from(rowStart),
    latent: Uint32Array.from(latent),
    value: Float32Array.from(value),
    stats: [new Float32Array(rows.length * STATS)],
  };
}

/** A dictionary of two functions, each of a row and of its number. */
export function fakeDictionary(
  d: number,
  maxRows: number,
  recon: (row: number[], r: number) => number[],
  code: (row: number[], r: number) => number[],
): LoadedDictionary {
  let done = 0;
  return {
    maxRows,
    rowUnit: 1,
    latents: code(new Array<number>(d).fill(0), 0).length,
    widths: [d],
    run([x]) {
      const rows = Array.from(
        { length: x.length / d },
        (_, r) => [...x.subarray(r * d, r * d + d)],
      );
      const result = codeOf(rows.map((row, r) => code(row, done + r)));
      rows.forEach((row, r) => {
        const y = recon(row, done + r);
        const sum = (f: (a: number, b: number) => number) =>
          row.reduce((s, a, j) => s + f(a, y[j]), 0);
        result.stats[0].set([
          sum((a, b) => (a - b) ** 2),
          0,
          sum((_, b) => b * b),
          sum((a, b) => a * b),
          sum((a) => a * a),
        ], r * STATS);
      });
      done += rows.length;
      return Promise.resolve(result);
    },
  };
}
