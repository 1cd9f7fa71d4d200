// w[r] = w[r] * length / |w[r]|; a zero row stays zero. One thread a row.
struct Dims {
  rows: u32,
  d4: u32,
  length: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> w: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.d4;
  var sum = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) { sum = fma(w[base + j], w[base + j], sum); }
  let square = dot(sum, vec4f(1.0));
  if (square == 0.0) { return; }
  let factor = vec4f(dims.length / sqrt(square));
  for (var j = 0u; j < dims.d4; j++) { w[base + j] *= factor; }
}
