// counts[l] = rows in which latent l is active.
struct Dims {
  latents: u32,
  words4: u32,     // vec4s of a latent's bits
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> bits: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  var sum = vec4u(0u);
  for (var i = 0u; i < dims.words4; i++) { sum += countOneBits(bits[latent * dims.words4 + i]); }
  counts[latent] = sum.x + sum.y + sum.z + sum.w;
}
