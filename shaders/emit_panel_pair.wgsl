// As emit_panel, with two lists of a row written in one pass over the scores h (or u) of a panel.
//   JUMP:  first list: h > theta and h > 0, value h. Second: h > 0 and |h - theta| < halfWindow,
//          value h where the latent is in the first list, else 0. params: theta.
//   GATED: pi = u + params[1], q = exp(params[0]) u + params[2]. First list: pi > 0 and q > 0,
//          value q. Second: pi > 0, value pi.
// A row's floor bounds the values of its list from below, exclusively; -1 is no bound.
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
  for (var i = 0u; i < dims.width4; i += {{LANES}}u) {
    let here = min(i + lane, dims.width4 - 1u);
    let v = scores[begin + here];
    let ids = vec4u(dims.firstLatent + (i + lane) * 4u) + vec4u(0u, 1u, 2u, 3u);
    let inside = ids < vec4u(dims.limit);
    let at = dims.firstLatent / 4u + here;
    //#if JUMP
    let theta = params[at];
    let open = (v > theta) & (v > vec4f(0.0));
    let value1 = v;
    let value2 = select(vec4f(0.0), v, open);
    let passes1 = inside & open & (v > vec4f(floor1));
    let near = (abs(v - theta) < vec4f(dims.halfWindow)) & (v > vec4f(0.0));
    let passes2 = inside & near & (value2 > vec4f(floor2));
    //#else
    let value2 = v + params[dims.params4 + at];
    let value1 = fma(exp(params[at]), v, params[2u * dims.params4 + at]);
    let open = inside & (value2 > vec4f(0.0));
    let passes1 = open & (value1 > vec4f(0.0)) & (value1 > vec4f(floor1));
    let passes2 = open & (value2 > vec4f(floor2));
    //#end
    //#for s in 1..3
    //#if SUBGROUPS
    if (subgroupAny(any(passes{{s}}))) {
      let marks = select(vec4u(0u), vec4u(1u), passes{{s}});
      let n = marks.x + marks.y + marks.z + marks.w;
      let before = subgroupExclusiveAdd(n);
      var to = end{{s}} + before;
      end{{s}} += subgroupMax(before + n);
    //#else
    if (any(passes{{s}})) {
      var to = end{{s}};
    //#end
      //#for c in 0..4
      if (passes{{s}}[{{c}}]) {
        //#if s - 1
        entries2[to] = vec2u(ids[{{c}}], bitcast<u32>(value2[{{c}}]));
        //#else
        entries[to] = vec2u(ids[{{c}}], bitcast<u32>(value1[{{c}}]));
        //#end
        to++;
      }
      //#end
      //#if !SUBGROUPS
      end{{s}} = to;
      //#end
    }
    //#end
  }
  if (lane == 0u) {
    spans[row] = vec2u(start1, end1);
    spans2[row] = vec2u(start2, end2);
  }
}
