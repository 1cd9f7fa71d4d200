/**
 * Directions made more orthogonal than chance leaves them. Source: evals spec, section 9.1.
 * @module
 */

/** Numbers of Adam. */
const BETA1 = 0.9, BETA2 = 0.999, EPS = 1e-8;

/**
 * Unit rows after some steps of Adam on Σ_{i≠j} (v_i · v_j)² + n Σ_i (‖v_i‖² - 1)².
 * @param rows row-major [n, d]; left as they are
 */
export function decorrelate(
  rows: Float32Array,
  d: number,
  { steps, lr }: { steps: number; lr: number },
): Float32Array {
  const n = rows.length / d;
  const v = Float64Array.from(rows);
  const first = new Float64Array(v.length), second = new Float64Array(v.length);
  for (let t = 1; t <= steps; t++) {
    const gradient = gradientOf(v, n, d);
    for (let i = 0; i < v.length; i++) {
      const g = gradient[i];
      first[i] += (1 - BETA1) * (g - first[i]);
      second[i] += (1 - BETA2) * (g * g - second[i]);
      const step = first[i] / (1 - BETA1 ** t);
      v[i] -= lr * step / (Math.sqrt(second[i] / (1 - BETA2 ** t)) + EPS);
    }
  }
  for (let i = 0; i < n; i++) {
    const row = v.subarray(i * d, (i + 1) * d);
    const norm = Math.sqrt(row.reduce((s, x) => s + x * x, 0));
    row.forEach((x, j) => row[j] = x / norm);
  }
  return Float32Array.from(v);
}

function gradientOf(v: Float64Array, n: number, d: number): Float64Array {
  const gradient = new Float64Array(v.length);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let product = 0;
      for (let c = 0; c < d; c++) product += v[i * d + c] * v[j * d + c];
      const weight = i === j ? 4 * n * (product - 1) : 4 * product;
      for (let c = 0; c < d; c++) {
        gradient[i * d + c] += weight * v[j * d + c];
        if (i !== j) gradient[j * d + c] += weight * v[i * d + c];
      }
    }
  }
  return gradient;
}

/** Mean over rows of the largest |cosine| with another row of unit rows [n, d]: how much features lie on each other. */
export function superposition(rows: Float32Array, d: number): number {
  const n = rows.length / d;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let most = 0;
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      let product = 0;
      for (let c = 0; c < d; c++) product += rows[i * d + c] * rows[j * d + c];
      most = Math.max(most, Math.abs(product));
    }
    sum += most;
  }
  return sum / n;
}
