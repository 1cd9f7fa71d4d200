// The running k largest of each row, as topk_merge, one thread a row, its list in registers,
// VECS vec4s: largest first, closed slots before all others. Of GROUP vec4s a thread marks scores
// above the smallest of its list, then lets them enter by ascending latent: what is smaller moves
// on by a slot, so that of equal ones the highest latent leaves. Neighbouring threads enter scores
// of their own at the same time, however few each has.
struct Dims {
  rows: u32,
  width4: u32,     // vec4s of a row of the panel, a multiple of GROUP
  firstLatent: u32, // number of the panel's first latent
  limit: u32,      // latents in all; a smaller bound may stand in count[0]
  capacity4: u32,  // vec4s of a list
  first: u32,      // 1 for the first panel: the list is emptied
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scores: array<vec4f>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read> step: array<u32>;
@group(0) @binding(4) var<storage, read_write> bestScore: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> bestLatent: array<vec4u>;
@group(0) @binding(6) var<storage, read_write> floors: array<vec2u>;

const EMPTY = -3.4028234e38;
const CLOSED = 3.4028234e38;
// Infinite scores count as this, so that they stay below closed slots.
const LARGEST = 3.4e38;
const NONE = 0xffffffffu;

//#use linear_id
//#use score_marks

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.capacity4;
  //#for i in 0..VECS
  var s{{i}}: vec4f;
  var l{{i}} = vec4u(NONE);
  //#end
  if (dims.first == 1u) {
    let k = {{TIMES}}u * step[{{K_WORD}}];
    //#for i in 0..VECS
    let slot{{i}} = {{i * 4}}u + vec4u(0u, 1u, 2u, 3u);
    s{{i}} = select(vec4f(EMPTY), vec4f(CLOSED), slot{{i}} + k < vec4u({{VECS * 4}}u));
    //#end
  } else {
    //#for i in 0..VECS
    s{{i}} = bestScore[base + {{i}}u];
    l{{i}} = bestLatent[base + {{i}}u];
    //#end
  }
  let limit = min(dims.limit, count[0]);
  let begin = row * dims.width4;
  for (var at = 0u; at < dims.width4; at += {{GROUP}}u) {
    // Bit j of component c: whether score c of vec4 j may enter.
    var marks = vec4u(0u);
    let floor = vec4f(s{{VECS - 1}}.w);
    //#for j in 0..GROUP
    marks |= select(vec4u(0u), vec4u(1u << {{j}}u), scores[begin + at + {{j}}u] > floor);
    //#end
    let latent = dims.firstLatent + at * 4u;
    marks &= marksBefore(limit - min(limit, latent));
    while (any(marks != vec4u(0u))) {
      let place = firstMark(marks);
      marks = withoutMark(marks, place);
      let given = scores[begin + at + place.x][place.y];
      let score = select(given, LARGEST, given > LARGEST);
      let id = latent + 4u * place.x + place.y;
      // Which slots it is larger than: they ascend, so the first of them takes it.
      //#for i in 0..VECS
      let g{{i}} = vec4f(score) > s{{i}};
      //#end
      // From the end, so that a vec4 still has what moves on to the next.
      //#for q in 1..VECS
      //#for i in VECS - q..VECS - q + 1
      let moved{{i}} = vec4<bool>(g{{i - 1}}.w, g{{i}}.xyz);
      let s_{{i}} = vec4f(s{{i - 1}}.w, s{{i}}.xyz);
      let l_{{i}} = vec4u(l{{i - 1}}.w, l{{i}}.xyz);
      s{{i}} = select(select(s{{i}}, vec4f(score), g{{i}}), s_{{i}}, moved{{i}});
      l{{i}} = select(select(l{{i}}, vec4u(id), g{{i}}), l_{{i}}, moved{{i}});
      //#end
      //#end
      let moved0 = vec4<bool>(false, g0.xyz);
      s0 = select(select(s0, vec4f(score), g0), vec4f(0.0, s0.xyz), moved0);
      l0 = select(select(l0, vec4u(id), g0), vec4u(0u, l0.xyz), moved0);
    }
  }
  //#for i in 0..VECS
  bestScore[base + {{i}}u] = s{{i}};
  bestLatent[base + {{i}}u] = l{{i}};
  //#end
}
