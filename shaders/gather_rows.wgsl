// out[i] = w[list[first + i]] for i below width: a panel of the dead latents' encoder rows and
// biases. Positions at or beyond count[0] are left as they are, the merge ignores their scores.
struct Dims {
  first: u32,
  width: u32,
  d4: u32,
  firstLatent: u32, // latents of this buffer of w
  latents: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read> w: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> panel: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> panelBias: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let i = id / dims.d4;
  if (i >= dims.width || dims.first + i >= count[0]) { return; }
  let column = id % dims.d4;
  let latent = list[dims.first + i];
  let here = latent - dims.firstLatent;
  if (here >= dims.latents) { return; }
  panel[i * dims.d4 + column] = w[here * dims.d4 + column];
  if (column == 0u) { panelBias[i] = bias[latent]; }
}
