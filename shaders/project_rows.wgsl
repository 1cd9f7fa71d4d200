// Takes from every row of grad its component parallel to the row of w; w need not be of unit
// length. squares[row] is the squared length of what is left, for the length of all gradients.
// Source: unit-norm decoders, architectures spec section 2. One thread a row.
struct Dims {
  rows: u32,       // rows of this buffer
  d4: u32,         // vec4s of a row
  firstRow: u32,   // place of this buffer's first row in squares
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> grad: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> squares: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.d4;
  var along = vec4f(0.0);
  var norm = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    let v = w[base + j];
    along = fma(v, grad[base + j], along);
    norm = fma(v, v, norm);
  }
  let square = dot(norm, vec4f(1.0));
  let factor = vec4f(select(0.0, dot(along, vec4f(1.0)) / square, square > 0.0));
  var left = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    let g = grad[base + j] - factor * w[base + j];
    grad[base + j] = g;
    left = fma(g, g, left);
  }
  squares[dims.firstRow + row] = dot(left, vec4f(1.0));
}
