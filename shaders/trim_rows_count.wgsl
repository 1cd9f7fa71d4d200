// scalars[word] = number of rows that were cut: those whose floor is not negative; or is raised by
// it (ADD). One workgroup; the counts are whole numbers, so their order is free.
struct Dims {
  rows: u32,
  word: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> floors: array<f32>;
@group(0) @binding(2) var<storage, read_write> scalars: array<f32>;

var<workgroup> sums: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var n = 0u;
  for (var r = local; r < dims.rows; r += 64u) { n += select(0u, 1u, floors[r] >= 0.0); }
  sums[local] = n;
  workgroupBarrier();
  if (local > 0u) { return; }
  var total = 0u;
  for (var i = 0u; i < 64u; i++) { total += sums[i]; }
  //#if ADD
  scalars[dims.word] += f32(total);
  //#else
  scalars[dims.word] = f32(total);
  //#end
}
