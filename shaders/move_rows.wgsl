// moved[list[p].y] = scale norm(source[list[p].x]): rows from one matrix to another, a workgroup
// each. bad[0] becomes the lowest target row that got a value which is not finite. Pairs of which
// one row is in no buffer here are left out. Norms: architectures spec, section 12.4.
struct Dims {
  pairs: u32,
  d: u32,
  sourceStride: u32,
  firstSource: u32,  // rows of this buffer of the source
  sources: u32,
  movedStride: u32,  // columns beyond d become zero
  firstMoved: u32,   // rows of this buffer of the target
  movedRows: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> list: array<vec2u>;
@group(0) @binding(2) var<storage, read> source: array<f32>;
@group(0) @binding(3) var<storage, read_write> moved: array<f32>;
@group(0) @binding(4) var<storage, read_write> bad: array<atomic<u32>>;

//#if NORMED
var<workgroup> parts: array<f32, 64>;

// The sum of what all threads have, in a fixed order.
fn sumOf(part: f32, local: u32) -> f32 {
  parts[local] = part;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (local < half) { parts[local] += parts[local + half]; }
    workgroupBarrier();
  }
  let sum = parts[0];
  workgroupBarrier();
  return sum;
}
//#end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let pair = wid.y * nwg.x + wid.x;
  if (pair >= dims.pairs) { return; }
  let ends = list[pair];
  let here = ends.x - dims.firstSource;
  let there = ends.y - dims.firstMoved;
  if (here >= dims.sources || there >= dims.movedRows) { return; }
  let row = here * dims.sourceStride;
  var mean = 0.0;
  var factor = dims.scale;
  //#if CENTRED
  var sum = 0.0;
  for (var j = local; j < dims.d; j += 64u) { sum += source[row + j]; }
  mean = sumOf(sum, local) / f32(dims.d);
  //#end
  //#if NORMED
  var square = 0.0;
  for (var j = local; j < dims.d; j += 64u) {
    let v = source[row + j] - mean;
    square = fma(v, v, square);
  }
  let all = sumOf(square, local);
  //#if CENTRED
  factor = dims.scale / (sqrt(all / f32(max(dims.d, 2u) - 1u)) + 1e-5);
  //#else
  factor = select(dims.scale, dims.scale / sqrt(all / f32(dims.d)), all > 0.0);
  //#end
  //#end
  for (var j = local; j < dims.movedStride; j += 64u) {
    var value = 0.0;
    if (j < dims.d) {
      let v = source[row + j];
      if ((bitcast<u32>(v) & 0x7f800000u) == 0x7f800000u) { atomicMin(&bad[0], ends.y); }
      value = (v - mean) * factor;
    }
    moved[there * dims.movedStride + j] = value;
  }
}
