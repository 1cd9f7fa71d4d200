import assert from "assert";
import { maskScores } from "../../lib/kernels/mask_scores.ts";
import { maskRows, maskScores as reference } from "../../lib/reference/mask_scores.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { whole } from "./device.ts";
import { matrix } from "./samples.ts";

/** Panels in the middle of the latents, with columns beyond their own. */
const cases: KernelCase[] = [
  { rows: 1, panel: 4, firstLatent: 0, latents: 1 },
  { rows: 37, panel: 64, firstLatent: 5, latents: 64 },
  { rows: 70, panel: 128, firstLatent: 131, latents: 67 },
].map(({ rows, panel, firstLatent, latents }) => ({
  name: `${rows} rows, latents ${firstLatent} to ${firstLatent + latents}`,
  build(bench) {
    const all = firstLatent + latents;
    const flags = Array.from({ length: all }, (_, l) => (l * 7) % 3 === 0);
    const given = matrix(rows, panel, { seed: rows });
    const scores = bench.state("scores", bitsOf(given.flatMap((row) => [...row])));
    return {
      commands: [maskScores.record(bench.gpu, {
        rows,
        // Any word but zero is a flag.
        flags: bench.words("flags", flags.map((flag, l) => flag ? l + 1 : 0)),
        scores,
        panel,
        firstLatent,
        latents,
      })],
      verify() {
        const floats = bench.floatsOf(scores);
        const own = given.map((row) => row.subarray(0, latents));
        const wanted = reference(own, flags.slice(firstLatent));
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < panel; c++) {
            const got = floats[r * panel + c];
            const kept = c < latents && wanted[r][c] > -Infinity;
            if (kept) assert.equal(got, wanted[r][c]);
            else assert.ok(got < -3.4e38, `row ${r}, column ${c} is ${got}`);
          }
        }
      },
    };
  },
}));

const rowCases: KernelCase[] = [[1, 4], [37, 64]].map(([rows, panel]) => ({
  name: `${rows} rows`,
  build(bench) {
    const flags = Array.from({ length: rows }, (_, r) => r % 3 === 0);
    const given = matrix(rows, panel, { seed: rows });
    const scores = bench.state("scores", bitsOf(given.flatMap((row) => [...row])));
    return {
      commands: [maskScores.record(bench.gpu, {
        rows,
        byRow: true,
        // As the mask of a batch has them.
        flags: bench.floats("flags", flags.map((flag) => flag ? 1 : 0)),
        scores,
        panel,
        firstLatent: 7,
        latents: panel,
      })],
      verify() {
        const floats = bench.floatsOf(scores);
        maskRows(given, flags).flatMap((row) => [...row]).forEach((wanted, i) => {
          if (wanted > -Infinity) assert.equal(floats[i], wanted);
          else assert.ok(floats[i] < -3.4e38, `score ${i} is ${floats[i]}`);
        });
      },
    };
  },
}));

Deno.test("maskScores keeps the scores of flagged rows only", () => checkKernel(rowCases, [whole]));

Deno.test("maskScores keeps the scores of flagged latents only", () => checkKernel(cases, [whole]));
