// RMS norm of every head of every row: y = w * x / sqrt(mean(x * x) + eps), w by head and column.
// BACKWARD: y holds the derivative by the norm's output and becomes that by x; parts gets what
// every row adds to the derivative by w. One thread a head of a row, heads are whole vec4s.
struct Dims {
  rows: u32,
  heads: u32,
  width4: u32,     // vec4s of a head
  stride4: u32,    // vec4s of a row of x, y and parts
  eps: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> parts: array<vec4f>;

//#use linear_id

fn sum4(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.heads;
  if (row >= dims.rows) { return; }
  let column = id % dims.heads * dims.width4;
  let base = row * dims.stride4 + column;
  let n = f32(dims.width4 * 4u);
  var squares = vec4f(0.0);
  for (var i = 0u; i < dims.width4; i++) {
    let v = x[base + i];
    squares = fma(v, v, squares);
  }
  let scale = 1.0 / sqrt(sum4(squares) / n + dims.eps);
  //#if BACKWARD
  var products = vec4f(0.0);
  for (var i = 0u; i < dims.width4; i++) {
    let part = y[base + i] * (x[base + i] * scale);
    parts[base + i] = part;
    products = fma(part, w[column + i], products);
  }
  let mean = sum4(products) / n;
  for (var i = 0u; i < dims.width4; i++) {
    y[base + i] = scale * (y[base + i] * w[column + i] - x[base + i] * (scale * mean));
  }
  //#else
  for (var i = 0u; i < dims.width4; i++) {
    y[base + i] = x[base + i] * scale * w[column + i];
  }
  //#end
}
