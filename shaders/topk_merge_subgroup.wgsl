// The running k largest of each row, as topk_merge, with one subgroup a row: the list lives in
// registers, VECS vec4s a lane. Lanes look at LANES * 4 scores a round; the largest that beats the
// smallest of the list enters, ties to the lowest latent, until none does. All lanes work on the
// same row, so nothing diverges.
struct Dims {
  rows: u32,
  width4: u32,     // vec4s of a row of the panel, a multiple of LANES
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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_invocation_id) lane: u32) {
  let row = linearId(wid, nwg, local, 64u) / {{LANES}}u;
  if (row >= dims.rows) { return; }
  // This lane's part of the list: vec4s lane, lane + LANES, …; beyond the capacity it is closed.
  let k = {{TIMES}}u * step[{{K_WORD}}];
  //#for i in 0..VECS
  let at{{i}} = {{i * LANES}}u + lane;
  var s{{i}} = vec4f(CLOSED);
  var l{{i}} = vec4u(NONE);
  if (at{{i}} < dims.capacity4) {
    if (dims.first == 1u) {
      let slot = vec4u(at{{i}} * 4u) + vec4u(0u, 1u, 2u, 3u);
      s{{i}} = select(vec4f(CLOSED), vec4f(EMPTY), slot < vec4u(k));
    } else {
      s{{i}} = bestScore[row * dims.capacity4 + at{{i}}];
      l{{i}} = bestLatent[row * dims.capacity4 + at{{i}}];
    }
  }
  //#end
  let limit = min(dims.limit, count[0]);
  let begin = row * dims.width4 + lane;
  // Smallest of the lane's part; of equal ones the highest latent, NONE before all others.
  var low = CLOSED;
  var lowLatent = 0u;
  var lowSlot = 0u;
  //#for i in 0..VECS
  //#for c in 0..4
  if (s{{i}}[{{c}}] < low || (s{{i}}[{{c}}] == low && l{{i}}[{{c}}] > lowLatent)) {
    low = s{{i}}[{{c}}]; lowLatent = l{{i}}[{{c}}]; lowSlot = {{i * 4 + c}}u;
  }
  //#end
  //#end
  var floor = subgroupMin(low);
  for (var i = 0u; i < dims.width4; i += {{LANES}}u) {
    let latent = dims.firstLatent + (i + lane) * 4u;
    let given = scores[begin + i];
    let raw = select(given, vec4f(LARGEST), given > vec4f(LARGEST));
    let ids = vec4u(latent) + vec4u(0u, 1u, 2u, 3u);
    var v = select(vec4f(EMPTY), raw, (ids < vec4u(limit)) & (raw > vec4f(EMPTY)));
    var top = subgroupMax(max(max(v.x, v.y), max(v.z, v.w)));
    while (top > floor) {
      let same = select(vec4u(NONE), ids, v == vec4f(top));
      let who = subgroupMin(min(min(same.x, same.y), min(same.z, same.w)));
      v = select(v, vec4f(EMPTY), ids == vec4u(who));
      let leaves = subgroupMax(select(0u, lowLatent, low == floor));
      // Empty slots are equal in everything: the lowest lane that has one gives it.
      let giver = subgroupMin(select(NONE, lane, low == floor && lowLatent == leaves));
      if (lane == giver) {
        //#for i in 0..VECS
        let here{{i}} = vec4u(lowSlot) == vec4u({{i * 4}}u) + vec4u(0u, 1u, 2u, 3u);
        s{{i}} = select(s{{i}}, vec4f(top), here{{i}});
        l{{i}} = select(l{{i}}, vec4u(who), here{{i}});
        //#end
        low = CLOSED;
        lowLatent = 0u;
        //#for i in 0..VECS
        //#for c in 0..4
        if (s{{i}}[{{c}}] < low || (s{{i}}[{{c}}] == low && l{{i}}[{{c}}] > lowLatent)) {
          low = s{{i}}[{{c}}]; lowLatent = l{{i}}[{{c}}]; lowSlot = {{i * 4 + c}}u;
        }
        //#end
        //#end
      }
      floor = subgroupMin(low);
      top = subgroupMax(max(max(v.x, v.y), max(v.z, v.w)));
    }
  }
  //#for i in 0..VECS
  if (at{{i}} < dims.capacity4) {
    bestScore[row * dims.capacity4 + at{{i}}] = s{{i}};
    bestLatent[row * dims.capacity4 + at{{i}}] = l{{i}};
  }
  //#end
}
