// out[place] = factor * sum over i of values[i * step + first], with WEIGHTED also times
// out[weight]. One workgroup: its threads take values in turn and their sums meet in a tree, so
// that the order depends on the count only.
struct Dims {
  count: u32,
  step: u32,
  first: u32,
  place: u32,
  factor: f32,
  weight: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < dims.count; i += 64u) { sum += values[i * dims.step + dims.first]; }
  sums[local] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { sums[local] += sums[local + half]; }
  }
  if (local == 0u) {
    //#if WEIGHTED
    out[dims.place] = dims.factor * out[dims.weight] * sums[0];
    //#else
    out[dims.place] = dims.factor * sums[0];
    //#end
  }
}
