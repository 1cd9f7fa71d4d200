// Appends to each row's list every latent of a panel whose score passes: score > bar, score > 0 and
// score > the row's floor; latents ascend because panels do. NaN never passes. The bar is 0, one
// word of `bars` (BAR_WORD) or one number a latent (BAR_VECTOR). The caller leaves room for a whole
// slice of the panel behind each list (trim_rows).
//   SHARED:    a subgroup a row; lanes look at LANES * 4 scores a round, and where any passes each
//              lane writes behind those of the lanes before it. All lanes work on the same row.
//   otherwise: a thread a row. It marks which scores of GROUP vec4s pass, then writes one after the
//              other, while neighbours write some of their own. A bar a latent is read once a
//              subgroup where there are SUBGROUPS.
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
//#use score_marks

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
  //#if SHARED
  let row = linearId(wid, nwg, local, 64u) / {{LANES}}u;
  if (row >= dims.rows) { return; }
  let writes = lane == 0u;
  //#else
  // Surplus threads look on, so that no lane is missing.
  let id = linearId(wid, nwg, local, 64u);
  let row = min(id, dims.rows - 1u);
  let writes = id < dims.rows;
  //#end
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
  //#if SHARED
  for (var i = 0u; i < dims.width4; i += {{LANES}}u) {
    let here = min(i + lane, dims.width4 - 1u);
    let v = scores[begin + here];
    let ids = vec4u(dims.firstLatent + (i + lane) * 4u) + vec4u(0u, 1u, 2u, 3u);
    //#if BAR_VECTOR
    let passes = (v > max(vec4f(bar), bars[dims.firstLatent / 4u + here])) & (ids < vec4u(limit));
    //#else
    let passes = (v > vec4f(bar)) & (ids < vec4u(limit));
    //#end
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
  }
  //#else
  for (var i = 0u; i < dims.width4; i += {{GROUP}}u) {
    var marks = vec4u(0u);
    //#for g in 0..GROUP / LANES
    //#if SUBGROUPS
    // Lanes share what is the same for all rows: a load costs as much for one lane as for all.
    let own{{g}} = min(i + {{g * LANES}}u + lane, dims.width4 - 1u);
    let shared{{g}} = bars[dims.firstLatent / 4u + own{{g}}];
    //#end
    //#for l in 0..LANES
    //#for j in g * LANES + l..g * LANES + l + 1
    let here{{j}} = min(i + {{j}}u, dims.width4 - 1u);
    //#if SUBGROUPS
    let bar{{j}} = max(vec4f(bar), subgroupBroadcast(shared{{g}}, {{l}}u));
    //#else
    //#if BAR_VECTOR
    let bar{{j}} = max(vec4f(bar), bars[dims.firstLatent / 4u + here{{j}}]);
    //#else
    let bar{{j}} = vec4f(bar);
    //#end
    //#end
    marks |= select(vec4u(0u), vec4u(1u << {{j}}u), scores[begin + here{{j}}] > bar{{j}});
    //#end
    //#end
    //#end
    let latent = dims.firstLatent + i * 4u;
    marks &= select(vec4u(0u), marksBefore(limit - min(limit, latent)), writes);
    while (any(marks != vec4u(0u))) {
      let at = firstMark(marks);
      marks = withoutMark(marks, at);
      let score = scores[begin + i + at.x][at.y];
      entries[end] = vec2u(latentOf(latent + 4u * at.x + at.y), bitcast<u32>(score));
      end++;
    }
  }
  //#end
  if (writes) { spans[row] = vec2u(start, end); }
}
