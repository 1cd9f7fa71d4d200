// Merges a panel of scores [rows, width] into the running k largest of each row, latents ascending.
// One thread owns a row and its list of capacity4 vec4s. A score enters when it is strictly larger
// than the smallest of the list; among equal smallest ones the highest latent leaves: so ties go to
// the lowest latent. NaN never enters. The order inside the list is free, topk_finish sorts it.
struct Dims {
  rows: u32,
  width4: u32,     // vec4s of a row of the panel
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

struct Floor { score: f32, slot: u32, latent: u32 }

fn lower(f: Floor, score: f32, slot: u32, base: u32) -> Floor {
  if (score > f.score) { return f; }
  let latent = bestLatent[base + slot / 4u][slot % 4u];
  if (score == f.score && (latent < f.latent || f.latent == NONE)) { return f; }
  return Floor(score, slot, latent);
}

// The smallest of a list; of equal ones the highest latent.
fn smallest(base: u32) -> Floor {
  var f = Floor(CLOSED, 0u, 0u);
  for (var i = 0u; i < dims.capacity4; i++) {
    let v = bestScore[base + i];
    if (min(min(v.x, v.y), min(v.z, v.w)) <= f.score) {
      f = lower(f, v.x, i * 4u, base);
      f = lower(f, v.y, i * 4u + 1u, base);
      f = lower(f, v.z, i * 4u + 2u, base);
      f = lower(f, v.w, i * 4u + 3u, base);
    }
  }
  return f;
}

// Puts a score in the place of the smallest and finds the new smallest.
fn enter(base: u32, f: Floor, score: f32, latent: u32) -> Floor {
  let at = base + f.slot / 4u;
  bestScore[at][f.slot % 4u] = score;
  bestLatent[at][f.slot % 4u] = latent;
  return smallest(base);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.capacity4;
  var f: Floor;
  if (dims.first == 1u) {
    let k = {{TIMES}}u * step[{{K_WORD}}];
    for (var i = 0u; i < dims.capacity4; i++) {
      let open = vec4u(i * 4u, i * 4u + 1u, i * 4u + 2u, i * 4u + 3u) < vec4u(k);
      bestScore[base + i] = select(vec4f(CLOSED), vec4f(EMPTY), open);
      bestLatent[base + i] = vec4u(NONE);
    }
    f = Floor(EMPTY, 0u, NONE);
  } else {
    let kept = floors[row];
    f = Floor(bitcast<f32>(kept.x), kept.y, 0u);
  }
  let limit = min(dims.limit, count[0]);
  let begin = row * dims.width4;
  for (var i = 0u; i < dims.width4; i++) {
    let given = scores[begin + i];
    let v = select(given, vec4f(LARGEST), given > vec4f(LARGEST));
    if (max(max(v.x, v.y), max(v.z, v.w)) > f.score) {
      let latent = dims.firstLatent + i * 4u;
      //#for c in 0..4
      if (v[{{c}}] > f.score && latent + {{c}}u < limit) {
        f = enter(base, f, v[{{c}}], latent + {{c}}u);
      }
      //#end
    }
  }
  floors[row] = vec2u(bitcast<u32>(f.score), f.slot);
}
