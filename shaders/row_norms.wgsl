// norms[l] = |w[l]|, the length of every row, or of the row behind those of the matrices before it
// (JOIN). One thread a row, columns in order.
struct Dims {
  rows: u32,      // rows of this buffer
  d4: u32,
  firstRow: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> norms: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  var sum = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    let v = w[row * dims.d4 + j];
    sum = fma(v, v, sum);
  }
  let square = dot(sum, vec4f(1.0));
  //#if JOIN
  let before = norms[dims.firstRow + row];
  norms[dims.firstRow + row] = sqrt(fma(before, before, square));
  //#else
  norms[dims.firstRow + row] = sqrt(square);
  //#end
}
