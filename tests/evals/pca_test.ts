import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { pcaFigures } from "../../lib/evals/pca.ts";
import { openGpu } from "../../lib/gpu/device.ts";

/** Eigenvectors of a symmetric matrix as rows, by Jacobi's rotations: none of the program's code. */
function jacobi(matrix: number[][]): number[][] {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((_, j): number => i === j ? 1 : 0));
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p][q]) < 1e-300) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1), s = t * c;
        for (let k = 0; k < n; k++) {
          [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
        }
        for (let k = 0; k < n; k++) {
          [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
        }
        for (let k = 0; k < n; k++) {
          [v[p][k], v[q][k]] = [c * v[p][k] - s * v[q][k], s * v[p][k] + c * v[q][k]];
        }
      }
    }
  }
  return v;
}

/** FVU and mean squared error of the k largest components of each row, in float64. */
function reference(x: Float32Array, d: number, k: number): { fvu: number; mse: number } {
  const rows = Array.from({ length: x.length / d }, (_, r) => [...x.subarray(r * d, r * d + d)]);
  const mean = rows[0].map((_, j) => rows.reduce((s, row) => s + row[j], 0) / rows.length);
  const centred = rows.map((row) => row.map((v, j) => v - mean[j]));
  const covariance = mean.map((_, i) =>
    mean.map((_, j) => centred.reduce((s, row) => s + row[i] * row[j], 0) / rows.length)
  );
  const axes = jacobi(covariance);
  let error = 0, whole = 0;
  for (const row of centred) {
    const energies = axes.map((axis) => axis.reduce((s, v, j) => s + v * row[j], 0) ** 2);
    energies.sort((a, b) => a - b);
    energies.forEach((e, i) => error += i < d - k ? e : 0);
    whole += row.reduce((s, v) => s + v * v, 0);
  }
  return { fvu: error / whole, mse: error / rows.length };
}

Deno.test("PCA keeps the k largest components of each row, as a float64 computation does", async () => {
  const gpu = await openGpu();
  try {
    // More rows than a tile, no multiple of anything, correlated dimensions of different sizes and a large mean.
    const rows = 2048 + 131, d = 11;
    const stream = new RandomStream(4, "pca");
    const mix = Float32Array.from({ length: d * d }, (_, i) => stream.normal(0, i));
    const x = new Float32Array(rows * d);
    for (let r = 0; r < rows; r++) {
      const z = Array.from({ length: d }, (_, j) => stream.normal(1 + r, j) / (1 + j));
      for (let i = 0; i < d; i++) {
        x[r * d + i] = 3 * i + z.reduce((s, v, j) => s + v * mix[i * d + j], 0);
      }
    }
    for (const k of [1, 3, 10]) {
      const wanted = reference(x, d, k);
      const figures = await pcaFigures(gpu, { rows, d, x }, k);
      const found = Object.fromEntries(figures.map((f) => [f.name, f.value as number]));
      const close = (name: string, value: number) =>
        assert.ok(
          Math.abs(found[name] - value) < 1e-4 * value + 1e-6 * (name === "recon/mse" ? 10 : 0.1),
          `k ${k}, ${name}: ${found[name]}, ${value}`,
        );
      close("recon/fvu", wanted.fvu);
      close("recon/mse", wanted.mse);
      close("recon/explained_variance", 1 - wanted.fvu);
      assert.equal(found["sparsity/l0"], k);
    }
    for (const k of [d, 3 * d]) {
      const [fvu, , , l0] = await pcaFigures(gpu, { rows, d, x }, k);
      assert.ok(fvu.value! < 1e-6, `all components: FVU ${fvu.value}`);
      assert.equal(l0.value, d);
    }
  } finally {
    gpu.close();
  }
});
