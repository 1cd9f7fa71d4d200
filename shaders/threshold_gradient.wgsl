// Gradient of the thresholds from the window code by latent: the entries with h > 0 and
// |h - theta| < window / 2, on both sides of theta, whose dz is the derivative of the loss by f.
//   grad[l] = sum over entries of -(theta / window) dz - (1 / window) * step coefficient / rows
// which are df/dtheta and d 1[h > theta]/dtheta of the rectangle kernel; the second part only with
// STEP_PENALTY. LOG: the parameter is log theta, the chain rule adds a factor theta. SCALED: theta
// is compared with h * norm, so f is that over norm. TO_INPUT: dz, placed and by row, becomes the
// derivative that h gets from the kernel, the same with the other sign. Source: architectures spec,
// 4.1 to 4.3.
// One thread a latent, rows in order.
struct Dims {
  latents: u32,
  window: f32,
  share: f32,      // 1 / rows of the batch
  word: u32,       // place of the coefficient
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> thresholds: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> coefficients: array<f32>;
@group(0) @binding(5) var<storage, read_write> placed: array<vec4u>;
@group(0) @binding(6) var<storage, read_write> dzByRow: array<f32>;
@group(0) @binding(7) var<storage, read_write> grad: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  let theta = thresholds[latent];
  //#if SCALED
  let norm = norms[latent];
  //#else
  let norm = 1.0;
  //#end
  let steep = theta / dims.window;
  //#if STEP_PENALTY
  let push = coefficients[dims.word] * dims.share / dims.window;
  //#else
  let push = 0.0;
  //#end
  var sum = 0.0;
  for (var e = offsets[latent]; e < offsets[latent + 1u]; e++) {
    let entry = placed[e];
    let dz = bitcast<f32>(entry.z);
    sum -= fma(steep / norm, dz, push);
    //#if TO_INPUT
    let byScore = fma(steep, dz, push * norm);
    placed[e].z = bitcast<u32>(byScore);
    dzByRow[entry.w] = byScore;
    //#end
  }
  //#if LOG
  sum *= theta;
  //#end
  grad[latent] = sum;
}
