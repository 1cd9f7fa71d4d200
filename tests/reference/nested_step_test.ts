/** Nested prefixes, multi-TopK and skip connections: the reference against PyTorch and against finite differences. */
import assert from "assert";
import { nestedStep, type NestedWeights } from "../../lib/reference/nested_step.ts";
import { NESTED_CASES } from "./nested_cases.ts";

/** Parameters as lists of rows, by name. */
function rowsOf(w: NestedWeights): [string, readonly Float64Array[]][] {
  return [
    ["W_enc", w.wEnc],
    ["b_enc", [w.bEnc]],
    ["W_dec", w.wDec],
    ["b_dec", [w.bDec]],
    ...w.wSkip ? [["W_skip", w.wSkip] as [string, readonly Float64Array[]]] : [],
  ];
}

for (const { name, x, y, weights, options, loss, gradients } of NESTED_CASES) {
  Deno.test(`${name}: loss and gradients are PyTorch's`, () => {
    const found = nestedStep(weights, x, y, options);
    assert.ok(Math.abs(found.loss - loss) < 1e-10 * loss, `loss ${found.loss}, ${loss}`);
    const wanted = new Map(rowsOf(gradients));
    for (const [parameter, rows] of rowsOf(found.gradients)) {
      rows.forEach((row, r) =>
        row.forEach((g, c) => {
          const torch = wanted.get(parameter)![r][c];
          const bound = 1e-10 * (1 + Math.abs(torch));
          assert.ok(Math.abs(g - torch) < bound, `${parameter} [${r}][${c}]: ${g}, ${torch}`);
        })
      );
    }
  });

  Deno.test(`${name}: gradients are the loss's finite differences`, () => {
    const { gradients: found, codes } = nestedStep(weights, x, y, options);
    const chosen = JSON.stringify(codes.map((code) => code.map((row) => row.map((e) => e.latent))));
    const step = 1e-6;
    let compared = 0;
    const grads = new Map(rowsOf(found));
    for (const [parameter, rows] of rowsOf(weights)) {
      rows.forEach((row, r) =>
        row.forEach((kept, c) => {
          const at = (value: number) => {
            row[c] = value;
            const { loss, codes } = nestedStep(weights, x, y, options);
            row[c] = kept;
            const latents = codes.map((code) => code.map((es) => es.map((e) => e.latent)));
            return { loss, same: JSON.stringify(latents) === chosen };
          };
          const [above, below] = [at(kept + step), at(kept - step)];
          // A tie that is decided the other way has no derivative.
          if (!above.same || !below.same) return;
          compared++;
          const difference = (above.loss - below.loss) / (2 * step);
          const gradient = grads.get(parameter)![r][c];
          const bound = 1e-7 + 1e-6 * Math.abs(difference);
          assert.ok(
            Math.abs(gradient - difference) < bound,
            `${parameter} [${r}][${c}]: ${gradient}, ${difference}`,
          );
        })
      );
    }
    const numbers = rowsOf(weights).reduce((n, [, rows]) => n + rows.length * rows[0].length, 0);
    assert.ok(compared > 0.8 * numbers, `${compared} of ${numbers} numbers compared`);
  });
}
