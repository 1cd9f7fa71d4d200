// grad[l] += weight[l] * row, where row is w[l] (OWN) or one vector for all. The weight of latent l
// is a word of a record of `step` words. Rows of weight zero stay untouched. One thread a vec4.
struct Dims {
  rows: u32,      // rows of this buffer
  d4: u32,
  firstRow: u32,
  step: u32,      // words of a record of weights
  place: u32,     // the weight's place in it
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> grad: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.d4;
  if (row >= dims.rows) { return; }
  let weight = weights[(dims.firstRow + row) * dims.step + dims.place];
  if (weight == 0.0) { return; }
  //#if OWN
  let v = w[id];
  //#else
  let v = w[id % dims.d4];
  //#end
  grad[id] = fma(vec4f(weight), v, grad[id]);
}
