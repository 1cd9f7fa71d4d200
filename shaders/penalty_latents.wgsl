// What a penalty needs of every latent, from the code by latent; u = value * norm, rows in order.
//   MEANS  out[l] = (a, a (1 + a / s)) with a = 1/rows * sum of tanh(c u)
//   else   out[l] = (coefficient / rows * sum of value * d pen / du) / norm: the weight of a
//          decoder row in its own gradient, since d pen / d row = d pen / d norm * row / norm
// Slopes as in penalise_entries. One thread a latent.
struct Dims {
  latents: u32,
  share: f32,       // 1 / rows of the batch
  word: u32,        // place of the coefficient
  scale: f32,       // c
  frequency: f32,   // s
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> placed: array<vec4u>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> means: array<vec2f>;
@group(0) @binding(5) var<storage, read> values: array<vec2f>;
@group(0) @binding(6) var<storage, read> coefficients: array<f32>;
@group(0) @binding(7) var<storage, read> step: array<f32>;
@group(0) @binding(8) var<storage, read_write> out: array<f32>;

const LEAST = 1e-6;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  //#if NORMS
  let norm = norms[latent];
  //#else
  let norm = 1.0;
  //#end
  //#if EXPONENT_USED
  let p = step[{{EXPONENT}}];
  //#end
  var sum = 0.0;
  for (var e = offsets[latent]; e < offsets[latent + 1u]; e++) {
    let entry = placed[e];
    let value = bitcast<f32>(entry.y);
    let u = value * norm;
    //#if SOFT
    let t = exp(-2.0 * dims.scale * u);
    //#if MEANS
    sum += (1.0 - t) / (1.0 + t);
    //#else
    sum = fma(value, 4.0 * dims.scale * t / ((1.0 + t) * (1.0 + t)), sum);
    //#end
    //#end
    //#if L1
    sum += value;
    //#end
    //#if NORM
    let whole = values[entry.x].x;
    let factor = select(0.0, pow(max(whole, LEAST), 1.0 - p), whole > 0.0);
    sum = fma(value, factor * pow(max(u, LEAST), p - 1.0), sum);
    //#end
    //#if POWER
    sum = fma(value, p * pow(max(u, LEAST), p - 1.0), sum);
    //#end
  }
  //#if MEANS
  let a = sum * dims.share;
  out[2u * latent] = a;
  out[2u * latent + 1u] = a * (1.0 + a / dims.frequency);
  //#else
  //#if QUAD
  sum *= 1.0 + 2.0 * means[latent].x / dims.frequency;
  //#end
  let share = coefficients[dims.word] * dims.share;
  out[latent] = select(0.0, share * sum / norm, norm > 0.0);
  //#end
}
