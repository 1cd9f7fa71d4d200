// The largest score of each of `groups` groups of neighbouring latents, panel by panel: one thread
// a row and group of those that the panel touches. The first `longer` groups have size + 1
// latents, the others size. A score that is not larger than what the group has does not enter, so
// ties go to the lowest latent and NaN never enters; scores must exceed 0. A group without any has
// latent NONE.
struct Dims {
  rows: u32,
  panel: u32,      // floats of a row of scores
  firstLatent: u32,
  limit: u32,      // end of the panel's latents
  size: u32,
  longer: u32,     // groups of size + 1
  firstGroup: u32, // groups that the panel touches
  touched: u32,
  capacity: u32,   // slots of a row, a group each; more than groups by padding
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read_write> bestScore: array<f32>;
@group(0) @binding(3) var<storage, read_write> bestLatent: array<u32>;

const NONE = 0xffffffffu;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.touched;
  if (row >= dims.rows) { return; }
  let group = dims.firstGroup + id % dims.touched;
  let start = group * dims.size + min(group, dims.longer);
  let end = start + dims.size + select(0u, 1u, group < dims.longer);
  let slot = row * dims.capacity + group;
  var best = 0.0;
  var latent = NONE;
  if (start < dims.firstLatent) {
    best = bestScore[slot];
    latent = bestLatent[slot];
  }
  let begin = row * dims.panel - dims.firstLatent;
  let stop = min(end, dims.limit);
  for (var l = max(start, dims.firstLatent); l < stop; l++) {
    let v = scores[begin + l];
    if (v > best) {
      best = v;
      latent = l;
    }
  }
  bestScore[slot] = best;
  bestLatent[slot] = latent;
}
