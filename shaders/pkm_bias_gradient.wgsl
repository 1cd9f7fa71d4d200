// grad[l] = sum over the rows of latent l, in their order, of dz, once for every head that proposed
// the entry. One thread a latent.
struct Dims {
  latents: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> placed: array<vec4u>;
@group(0) @binding(3) var<storage, read> proposers: array<u32>;
@group(0) @binding(4) var<storage, read_write> grad: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  //#if ADD
  var sum = grad[latent];
  //#else
  var sum = 0.0;
  //#end
  let end = offsets[latent + 1u];
  for (var i = offsets[latent]; i < end; i++) {
    let entry = placed[i];
    //#if MERGED
    sum = fma(bitcast<f32>(entry.z), f32(countOneBits(proposers[entry.w])), sum);
    //#else
    sum += bitcast<f32>(entry.z);
    //#end
  }
  grad[latent] = sum;
}
