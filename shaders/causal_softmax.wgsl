// Softmax over the keys up to a query's own, for every query of a strip, and its derivative.
//   forward:  pattern[q, k] = exp(factor * pattern[q, k]) / sum of those, in place
//   BACKWARD: grad[q, k] = factor * pattern[q, k] * (grad[q, k] - sum of pattern * grad), in place:
//             the derivative by the scores before the factor, from that by the pattern
// Keys beyond the query and the padding up to whole tiles of 64 become zero: products run over it.
// SHARED: 64 threads a row, sums in a tree; otherwise one thread a row.
struct Dims {
  blocks: u32,     // heads times sequences
  firstQuery: u32, // position of the strip's first query
  queries: u32,
  factor: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> pattern: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> grad: array<vec4f>;

const LOW = -3.4028234e38;

//#use linear_id

//#if SHARED
var<workgroup> scratch: array<f32, 64>;

fn together(lane: u32, value: f32, largest: bool) -> f32 {
  scratch[lane] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half = half / 2u) {
    if (lane < half) {
      let a = scratch[lane];
      let b = scratch[lane + half];
      scratch[lane] = select(a + b, max(a, b), largest);
    }
    workgroupBarrier();
  }
  let result = scratch[0];
  workgroupBarrier();
  return result;
}
//#else
fn together(lane: u32, value: f32, largest: bool) -> f32 { return value; }
//#end

fn sum4(v: vec4f) -> f32 { return (v.x + v.y) + (v.z + v.w); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  //#if SHARED
  let row = wid.x + wid.y * nwg.x;
  let lane = local;
  let step = 64u;
  //#else
  let row = linearId(wid, nwg, local, 64u);
  let lane = 0u;
  let step = 1u;
  //#end
  let queryPad = (dims.queries + 63u) / 64u * 64u;
  let keyPad4 = (dims.firstQuery + dims.queries + 63u) / 64u * 16u;
  if (row >= dims.blocks * queryPad) { return; }
  let query = row % queryPad;
  let base = row * keyPad4;
  // Number of vec4s with keys that count, none for a query of the padding.
  let last = dims.firstQuery + query;
  let used = select(0u, last / 4u + 1u, query < dims.queries);
  let at = vec4u(0u, 1u, 2u, 3u);

  //#if BACKWARD
  var partial = 0.0;
  for (var i = lane; i < used; i += step) {
    let counts = at + vec4u(i * 4u) <= vec4u(last);
    partial += sum4(pattern[base + i] * select(vec4f(0.0), grad[base + i], counts));
  }
  let mean = together(lane, partial, false);
  for (var i = lane; i < keyPad4; i += step) {
    var v = vec4f(0.0);
    if (i < used) {
      let counts = at + vec4u(i * 4u) <= vec4u(last);
      let centred = dims.factor * pattern[base + i] * (grad[base + i] - vec4f(mean));
      v = select(v, centred, counts);
    }
    grad[base + i] = v;
  }
  //#else
  var best = LOW;
  for (var i = lane; i < used; i += step) {
    let counts = at + vec4u(i * 4u) <= vec4u(last);
    let v = select(vec4f(LOW), dims.factor * pattern[base + i], counts);
    best = max(best, max(max(v.x, v.y), max(v.z, v.w)));
  }
  best = together(lane, best, true);
  var partial = 0.0;
  for (var i = lane; i < used; i += step) {
    let counts = at + vec4u(i * 4u) <= vec4u(last);
    let v = select(vec4f(LOW), dims.factor * pattern[base + i], counts);
    let e = select(vec4f(0.0), exp(v - vec4f(best)), counts);
    pattern[base + i] = e;
    partial += sum4(e);
  }
  let total = together(lane, partial, false);
  for (var i = lane; i < keyPad4; i += step) {
    var v = vec4f(0.0);
    if (i < used) { v = pattern[base + i] / total; }
    pattern[base + i] = v;
  }
  //#end
}
