// The second half of Weiszfeld's step: median = weightedSum / (sum of the weights), and how far it
// moved. weightSum holds four partial sums of the weights. One thread for all columns: d is small.
struct Dims {
  d4: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> weightedSum: array<vec4f>;
@group(0) @binding(2) var<storage, read> weightSum: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> median: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> moved: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let total = dot(weightSum[0], vec4f(1.0));
  var square = 0.0;
  for (var j = 0u; j < dims.d4; j++) {
    let next = weightedSum[j] / total;
    let change = next - median[j];
    square += dot(change, change);
    median[j] = next;
  }
  moved[0] = sqrt(square);
}
