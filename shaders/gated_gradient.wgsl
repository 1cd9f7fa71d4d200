// Of a gated coder, from the entries q = e^r u + b_mag > 0 by latent with dq in the place of dz:
//   grad b_mag[l] = sum of dq, grad r[l] = sum of dq e^r u = sum of dq (q - b_mag),
// and dq becomes du = e^r dq, the derivative by the encoder's score. Source: architectures spec,
// section 5. One thread a latent, rows in order.
struct Dims {
  latents: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> r: array<f32>;
@group(0) @binding(3) var<storage, read> bMag: array<f32>;
@group(0) @binding(4) var<storage, read_write> placed: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> gradR: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradMag: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  let gain = exp(r[latent]);
  let bias = bMag[latent];
  var sum = 0.0;
  var weighted = 0.0;
  for (var e = offsets[latent]; e < offsets[latent + 1u]; e++) {
    let entry = placed[e];
    let dq = bitcast<f32>(entry.z);
    sum += dq;
    weighted = fma(dq, bitcast<f32>(entry.y) - bias, weighted);
    placed[e].z = bitcast<u32>(gain * dq);
  }
  gradMag[latent] = sum;
  gradR[latent] = weighted;
}
