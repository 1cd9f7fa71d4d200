// One step of Weiszfeld's iteration towards the geometric median: weights[r] = 1 / max(|x[r] -
// median|, 1e-6). Source: architectures spec section 2 (the bound keeps a row that equals the
// median finite). One thread a row.
struct Dims {
  rows: u32,
  d4: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> median: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  var sum = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    let r = x[row * dims.d4 + j] - median[j];
    sum = fma(r, r, sum);
  }
  weights[row] = 1.0 / max(sqrt(dot(sum, vec4f(1.0))), 1e-6);
}
