// What scores lack to their thresholds, over all rows where a latent is not active, without looking
// at those rows: sum over inactive rows of (theta - h) = (B - m) theta - (sum of all h - sum of the
// active h), where sum of all h = W_enc[l] . sum of c + B b_enc[l], and the m active h are the
// values of the code. SCALED: theta is compared with h * norm.
//   out[l] = (deficit, sum of h over inactive rows, dtheta / dparameter, 0), the third theta with
//            LOG, else 1
// Source: architectures spec, section 4.4 (pre-act loss). One thread a latent, rows in order.
struct Dims {
  latents: u32,      // latents of this buffer
  d4: u32,
  firstLatent: u32,
  rows: f32,         // B
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> wEnc: array<vec4f>;
@group(0) @binding(2) var<storage, read> inputSum: array<vec4f>;
@group(0) @binding(3) var<storage, read> bEnc: array<f32>;
@group(0) @binding(4) var<storage, read> thresholds: array<f32>;
@group(0) @binding(5) var<storage, read> norms: array<f32>;
@group(0) @binding(6) var<storage, read> offsets: array<u32>;
@group(0) @binding(7) var<storage, read> placed: array<vec4u>;
@group(0) @binding(8) var<storage, read_write> out: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  var product = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    product = fma(wEnc[latent * dims.d4 + j], inputSum[j], product);
  }
  let global = dims.firstLatent + latent;
  let begin = offsets[global];
  let end = offsets[global + 1u];
  var taken = 0.0;
  for (var e = begin; e < end; e++) { taken += bitcast<f32>(placed[e].y); }
  let inactive = dot(product, vec4f(1.0)) + (dims.rows * bEnc[global] - taken);
  let theta = thresholds[global];
  //#if SCALED
  let reached = inactive * norms[global];
  //#else
  let reached = inactive;
  //#end
  let deficit = fma(dims.rows - f32(end - begin), theta, -reached);
  //#if LOG
  let chain = theta;
  //#else
  let chain = 1.0;
  //#end
  out[global] = vec4f(deficit, inactive, chain, 0.0);
}
