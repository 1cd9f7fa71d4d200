// Merges a panel of scores [rows, width], latents ascending, into the largest score of each row
// and its latent; ties to the lowest latent, NaN never enters. A subgroup of LANES threads owns a
// row, or one thread where there are no subgroups.
struct Dims {
  rows: u32,
  width4: u32,     // vec4s of a row of the panel
  firstLatent: u32, // number of the panel's first latent
  limit: u32,      // latents in all: the panel's padding beyond is ignored
  first: u32,      // 1 for the first panel: what best holds is ignored
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scores: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> best: array<vec2u>; // (score as bits, latent)

//#use linear_id
//#use largest

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / {{LANES}}u;
  let lane = id % {{LANES}}u;
  if (row >= dims.rows) { return; }
  let begin = row * dims.width4;
  let ids = dims.firstLatent + vec4u(0u, 1u, 2u, 3u);
  var top = vec4f(LOWEST);
  var place = vec4u(NONE);
  for (var i = lane; i < dims.width4; i += {{LANES}}u) {
    let s = scores[begin + i];
    let better = (s > top) & (ids + vec4u(i * 4u) < vec4u(dims.limit));
    top = select(top, s, better);
    place = select(place, vec4u(i), better);
  }
  let own = largestOfFour(top, place);
  //#if SUBGROUPS
  let score = subgroupMax(own.score);
  let at = subgroupMin(select(NONE, own.latent, own.score == score));
  //#else
  let score = own.score;
  let at = own.latent;
  //#end
  if (lane > 0u) { return; }
  var kept = vec2u(bitcast<u32>(LOWEST), NONE);
  if (dims.first == 0u) { kept = best[row]; }
  // Earlier panels have lower latents: only a larger score takes their place.
  if (at != NONE && score > bitcast<f32>(kept.x)) {
    kept = vec2u(bitcast<u32>(score), dims.firstLatent + at);
  }
  best[row] = kept;
}
