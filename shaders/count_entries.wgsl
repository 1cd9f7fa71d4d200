// counts[l] = rows in which latent l is active, and before[l, i] = those in front of its vec4 i of
// bits.
struct Dims {
  latents: u32,
  words4: u32,     // vec4s of a latent's bits
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> bits: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> before: array<u32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  var sum = 0u;
  for (var i = latent * dims.words4; i < (latent + 1u) * dims.words4; i++) {
    before[i] = sum;
    let n = countOneBits(bits[i]);
    sum += n.x + n.y + n.z + n.w;
  }
  counts[latent] = sum;
}
