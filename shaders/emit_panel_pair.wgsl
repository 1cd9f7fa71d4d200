// As emit_panel, with two lists of a row written in one pass over the scores h (or u) of a panel.
//   JUMP:  first list: h > theta and h > 0, value h. Second: h > 0 and |h - theta| < halfWindow,
//          value h where the latent is in the first list, else 0. params: theta.
//   GATED: pi = u + params[1], q = exp(params[0]) u + params[2]. First list: pi > 0 and q > 0,
//          value q. Second: pi > 0, value pi.
// A row's floor bounds the values of its list from below, exclusively; -1 is no bound.
//   SHARED:    a subgroup a row, see there.
//   otherwise: a thread a row, which keeps the values of GROUP vec4s until those that pass are
//              written. Params are read once a subgroup where there are SUBGROUPS.
struct Dims {
  rows: u32,
  width4: u32,     // vec4s of the slice
  stride4: u32,    // vec4s of a row of the panel
  offset4: u32,    // where in it the slice begins
  firstLatent: u32, // number of the slice's first latent
  limit: u32,      // end of its latents
  capacity: u32,   // entries of a list of the first kind
  capacity2: u32,  // of the second
  first: u32,      // 1 for the first slice: the lists are emptied
  params4: u32,    // vec4s from one vector of params to the next
  halfWindow: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scores: array<vec4f>;
@group(0) @binding(2) var<storage, read> params: array<vec4f>;
@group(0) @binding(3) var<storage, read> floors: array<f32>;
@group(0) @binding(4) var<storage, read> floors2: array<f32>;
@group(0) @binding(5) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> entries: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> spans2: array<vec2u>;
@group(0) @binding(8) var<storage, read_write> entries2: array<vec2u>;

//#use linear_id
//#use score_marks
//#use emit_pair

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
  let start1 = row * dims.capacity;
  let start2 = row * dims.capacity2;
  var end1 = start1;
  var end2 = start2;
  var floor1 = -1.0;
  var floor2 = -1.0;
  if (dims.first == 0u) {
    end1 = spans[row].y;
    end2 = spans2[row].y;
    //#if FLOORS
    floor1 = floors[row];
    floor2 = floors2[row];
    //#end
  }
  let begin = row * dims.stride4 + dims.offset4;
  for (var i = 0u; i < dims.width4; i += {{GROUP}}u) {
    let latent = dims.firstLatent + i * 4u;
    //#if SHARED
    let here = min(i + lane, dims.width4 - 1u);
    let ids = vec4u(latent + lane * 4u) + vec4u(0u, 1u, 2u, 3u);
    let p = pairOf(scores[begin + here], sharedAt(here), floor1, floor2);
    //#for s in 1..3
    let passes{{s}} = p.passes{{s}} & (ids < vec4u(dims.limit));
    if (subgroupAny(any(passes{{s}}))) {
      let marks = select(vec4u(0u), vec4u(1u), passes{{s}});
      let n = marks.x + marks.y + marks.z + marks.w;
      let before = subgroupExclusiveAdd(n);
      var to = end{{s}} + before;
      //#for c in 0..4
      if (passes{{s}}[{{c}}]) {
        //#if s - 1
        entries2[to] = vec2u(ids[{{c}}], bitcast<u32>(p.value{{s}}[{{c}}]));
        //#else
        entries[to] = vec2u(ids[{{c}}], bitcast<u32>(p.value{{s}}[{{c}}]));
        //#end
        to++;
      }
      //#end
      end{{s}} += subgroupMax(before + n);
    }
    //#end
    //#else
    //#if SUBGROUPS
    // Lanes share the params: a load costs as much for one lane as for all.
    let own = sharedAt(min(i + lane, dims.width4 - 1u));
    //#end
    var marks1 = vec4u(0u);
    var marks2 = vec4u(0u);
    //#for j in 0..GROUP
    let here{{j}} = min(i + {{j}}u, dims.width4 - 1u);
    //#if SUBGROUPS
    //#if JUMP
    let s{{j}} = Shared(subgroupBroadcast(own.a, {{j}}u));
    //#else
    let s{{j}} = Shared(subgroupBroadcast(own.a, {{j}}u), subgroupBroadcast(own.b, {{j}}u),
                        subgroupBroadcast(own.c, {{j}}u));
    //#end
    //#else
    let s{{j}} = sharedAt(here{{j}});
    //#end
    let p{{j}} = pairOf(scores[begin + here{{j}}], s{{j}}, floor1, floor2);
    marks1 |= select(vec4u(0u), vec4u(1u << {{j}}u), p{{j}}.passes1);
    marks2 |= select(vec4u(0u), vec4u(1u << {{j}}u), p{{j}}.passes2);
    //#end
    let inside = marksBefore(select(0u, dims.limit - min(dims.limit, latent), writes));
    //#for s in 1..3
    marks{{s}} &= inside;
    while (any(marks{{s}} != vec4u(0u))) {
      let at = firstMark(marks{{s}});
      marks{{s}} = withoutMark(marks{{s}}, at);
      var v = p0.value{{s}};
      //#for j in 1..GROUP
      v = select(v, p{{j}}.value{{s}}, at.x == {{j}}u);
      //#end
      let value = select(select(select(v.w, v.z, at.y == 2u), v.y, at.y == 1u), v.x, at.y == 0u);
      //#if s - 1
      entries2[end{{s}}] = vec2u(latent + 4u * at.x + at.y, bitcast<u32>(value));
      //#else
      entries[end{{s}}] = vec2u(latent + 4u * at.x + at.y, bitcast<u32>(value));
      //#end
      end{{s}}++;
    }
    //#end
    //#end
  }
  if (writes) {
    spans[row] = vec2u(start1, end1);
    spans2[row] = vec2u(start2, end2);
  }
}
