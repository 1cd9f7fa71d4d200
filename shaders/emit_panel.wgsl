// Appends to each row's list every latent of a panel whose score passes: score > bar, score > 0 and
// score > the row's floor; latents ascend because panels do. NaN never passes. The bar is 0, one
// word of `bars` (BAR_WORD) or one number a latent (BAR_VECTOR). The caller leaves room for a whole
// slice of the panel behind each list (trim_rows).
//   SUBGROUPS: a subgroup a row; lanes look at LANES * 4 scores a round, and where any passes each
//              lane writes behind those of the lanes before it. All lanes work on the same row.
//   otherwise: a thread a row.
struct Dims {
  rows: u32,
  width4: u32,     // vec4s of the slice
  stride4: u32,    // vec4s of a row of the panel
  offset4: u32,    // where in it the slice begins
  firstLatent: u32, // number of the slice's first latent
  limit: u32,      // end of its latents; a smaller bound may stand in count[0]
  capacity: u32,   // entries of a list
  first: u32,      // 1 for the first slice: the lists are emptied
  word: u32,       // place of the bar in `bars`
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scores: array<vec4f>;
@group(0) @binding(2) var<storage, read> bars: array<vec4f>;
@group(0) @binding(3) var<storage, read> count: array<u32>;
@group(0) @binding(4) var<storage, read> map: array<u32>;
@group(0) @binding(5) var<storage, read> floors: array<f32>;
@group(0) @binding(6) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> entries: array<vec2u>;

//#use linear_id

fn latentOf(id: u32) -> u32 {
  //#if MAPPED
  return map[id];
  //#else
  return id;
  //#end
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        //#if SUBGROUPS
        @builtin(subgroup_invocation_id) lane: u32,
        //#end
        @builtin(local_invocation_index) local: u32) {
  //#if SUBGROUPS
  let row = linearId(wid, nwg, local, 64u) / {{LANES}}u;
  //#else
  let row = linearId(wid, nwg, local, 64u);
  let lane = 0u;
  //#end
  if (row >= dims.rows) { return; }
  let start = row * dims.capacity;
  var end = start;
  var bar = 0.0;
  if (dims.first == 0u) {
    end = spans[row].y;
    //#if FLOORS
    bar = max(bar, floors[row]);
    //#end
  }
  //#if BAR_WORD
  bar = max(bar, bars[dims.word / 4u][dims.word % 4u]);
  //#end
  let limit = min(dims.limit, count[0]);
  let begin = row * dims.stride4 + dims.offset4;
  for (var i = 0u; i < dims.width4; i += {{LANES}}u) {
    let here = min(i + lane, dims.width4 - 1u);
    let v = scores[begin + here];
    let ids = vec4u(dims.firstLatent + (i + lane) * 4u) + vec4u(0u, 1u, 2u, 3u);
    //#if BAR_VECTOR
    let passes = (v > max(vec4f(bar), bars[dims.firstLatent / 4u + here])) & (ids < vec4u(limit));
    //#else
    let passes = (v > vec4f(bar)) & (ids < vec4u(limit));
    //#end
    //#if SUBGROUPS
    if (subgroupAny(any(passes))) {
      let marks = select(vec4u(0u), vec4u(1u), passes);
      let n = marks.x + marks.y + marks.z + marks.w;
      let before = subgroupExclusiveAdd(n);
      var to = end + before;
      //#for c in 0..4
      if (passes[{{c}}]) {
        entries[to] = vec2u(latentOf(ids[{{c}}]), bitcast<u32>(v[{{c}}]));
        to++;
      }
      //#end
      end += subgroupMax(before + n);
    }
    //#else
    if (any(passes)) {
      //#for c in 0..4
      if (passes[{{c}}]) {
        entries[end] = vec2u(latentOf(ids[{{c}}]), bitcast<u32>(v[{{c}}]));
        end++;
      }
      //#end
    }
    //#end
  }
  if (lane == 0u) { spans[row] = vec2u(start, end); }
}
