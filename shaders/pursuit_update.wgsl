// Iteration t of matching pursuit on the residuals (architectures spec, section 7): the largest
// score of each row becomes its pick (j, v), r -= v * w[j], and rows stop
//   whose largest score is not positive (RELU), or zero;
//   DUPLICATES: whose set of latents is the one of before, the repeated pick is kept;
//   THRESHOLD: whose residual is shorter than the threshold, after the pick.
// Where w is split over buffers, a row belongs to the dispatch that has its pick. Eight threads
// own a row.
struct Dims {
  rows: u32,       // rows of this dispatch
  firstRow: u32,
  d4: u32,
  capacity: u32,   // picks that a row has room for
  t: u32,
  firstLatent: u32, // latents of this buffer of w
  latentCount: u32,
  threshold: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> best: array<vec2u>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> latents: array<u32>;
@group(0) @binding(5) var<storage, read_write> values: array<f32>; // 0 where there is no pick
@group(0) @binding(6) var<storage, read_write> done: array<u32>;
@group(0) @binding(7) var<storage, read_write> running: array<atomic<u32>>; // rows left, by t

//#use linear_id
//#use sum_eight

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let lane = id % 8u;
  let row = dims.firstRow + min(id / 8u, dims.rows - 1u);
  let found = best[row];
  //#if RELU
  let value = max(bitcast<f32>(found.x), 0.0);
  //#else
  let value = bitcast<f32>(found.x);
  //#end
  let alive = id / 8u < dims.rows && done[row] == 0u;
  let nothing = value == 0.0 || found.y == 0xffffffffu;
  let own = alive && !nothing && found.y - dims.firstLatent < dims.latentCount;
  let picks = row * dims.capacity;
  var sum = vec4f(0.0);
  if (own) {
    let wRow = (found.y - dims.firstLatent) * dims.d4;
    for (var i = lane; i < dims.d4; i += 8u) {
      let r = fma(vec4f(-value), w[wRow + i], residual[row * dims.d4 + i]);
      residual[row * dims.d4 + i] = r;
      sum = fma(r, r, sum);
    }
  }
  var stops = nothing;
  //#if THRESHOLD
  let square = sumEight((sum.x + sum.y) + (sum.z + sum.w), local);
  stops = stops || sqrt(square) < dims.threshold;
  //#end
  //#if DUPLICATES
  var part = 0.0;
  if (own) {
    for (var i = lane; i < dims.t; i += 8u) {
      part += select(0.0, values[picks + i], latents[picks + i] == found.y);
    }
  }
  let before = sumEight(part, local);
  stops = stops || ((before != 0.0) == (before + value != 0.0));
  //#end
  if (lane > 0u) { return; }
  if (own) {
    latents[picks + dims.t] = found.y;
    values[picks + dims.t] = value;
    if (!stops) { atomicAdd(&running[dims.t], 1u); }
  }
  if (alive && stops && (own || nothing)) { done[row] = 1u; }
}
