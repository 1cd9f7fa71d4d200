// The pre-act loss lambda / B * sum over b, l of ReLU(theta - h) norm, or with SCALED
// ReLU(theta - h * norm), and where it goes; all latents or, with DEAD, the dead ones. Of the sums
// over inactive rows, those over all rows are here; what active rows have too much of them is added
// to dz (each active entry gets + lambda norm / B).
//   effects[l] = (weight of the sum of inputs in dW_enc, weight of W_dec[l] in its own gradient,
//                 loss, 0)
//   gradBias[l] -= lambda norm, gradThreshold[l] += lambda / B (B - m) norm (no norm with SCALED)
// times the derivative of theta by its parameter. The bias loses for all rows what dz gives back
// for active ones. Source: architectures spec, section 4.4. One thread a latent.
struct Dims {
  latents: u32,
  rows: f32,         // B
  deadAfter: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> deficits: array<vec4f>;
@group(0) @binding(2) var<storage, read> norms: array<f32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read> sinceFired: array<u32>;
@group(0) @binding(5) var<storage, read> step: array<f32>;
@group(0) @binding(6) var<storage, read_write> effects: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> gradBias: array<f32>;
@group(0) @binding(8) var<storage, read_write> gradThreshold: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  //#if DEAD
  if (sinceFired[latent] < dims.deadAfter) {
    effects[latent] = vec4f(0.0);
    return;
  }
  //#end
  let lambda = step[{{COEFFICIENT}}];
  let share = lambda / dims.rows;
  let norm = norms[latent];
  let deficit = deficits[latent];
  let inactive = dims.rows - f32(offsets[latent + 1u] - offsets[latent]);
  //#if SCALED
  let byNorm = -deficit.y;
  let loss = deficit.x;
  let byThreshold = share * inactive;
  //#else
  let byNorm = deficit.x;
  let loss = deficit.x * norm;
  let byThreshold = share * inactive * norm;
  //#end
  let own = select(0.0, share * byNorm / norm, norm > 0.0);
  effects[latent] = vec4f(-share * norm, own, share * loss, 0.0);
  gradBias[latent] -= lambda * norm;
  gradThreshold[latent] += byThreshold * deficit.z;
}
