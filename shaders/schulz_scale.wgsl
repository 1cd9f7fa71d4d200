// scales[0] = s = 1 / (sqrt(sum of squares) + 1e-7), scales[1] = s^2: what brings the largest
// singular value of a matrix to at most 1. One thread, in order; squares are sums by column.
struct Dims {
  count4: u32,     // vec4s of squares
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> squares: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> scales: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = vec4f(0.0);
  for (var j = 0u; j < dims.count4; j++) { sum += squares[j]; }
  let s = 1.0 / (sqrt(dot(sum, vec4f(1.0))) + 1e-7);
  scales[0] = s;
  scales[1] = s * s;
}
