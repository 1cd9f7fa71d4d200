// The k best of the candidates of each row, the best first, ties to the lowest latent. One thread has
// one candidate and counts those that come before it: its place in the list of the best. Candidates
// that are empty or not a number come last, in their order, so that every place is written once.
struct Dims {
  rows: u32,
  given4: u32,      // vec4s of a list of candidates
  capacity: u32,   // entries of a list of the best; no more than candidates
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scores: array<vec4f>;
@group(0) @binding(2) var<storage, read> candidates: array<vec4u>;
@group(0) @binding(3) var<storage, read> step: array<u32>;
@group(0) @binding(4) var<storage, read_write> bestScore: array<f32>;
@group(0) @binding(5) var<storage, read_write> bestLatent: array<u32>;

const EMPTY = -3.4028234e38;
// Infinite scores count as this, as they do in topk_merge.
const LARGEST = 3.4e38;
const NONE = 0xffffffffu;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / (dims.given4 * 4u);
  if (row >= dims.rows) { return; }
  let begin = row * dims.given4;
  let place = id % (dims.given4 * 4u);
  let given = scores[begin + place / 4u][place % 4u];
  let listed = candidates[begin + place / 4u][place % 4u];
  let counts = listed != NONE && given > EMPTY;
  let score = select(EMPTY, min(given, LARGEST), counts);
  let latent = select(NONE, listed, counts);
  var before = vec4u(0u);
  for (var i = 0u; i < dims.given4; i++) {
    let raw = scores[begin + i];
    let all = candidates[begin + i];
    let open = (all != vec4u(NONE)) & (raw > vec4f(EMPTY));
    let s = select(vec4f(EMPTY), min(raw, vec4f(LARGEST)), open);
    let l = select(vec4u(NONE), all, open);
    let at = vec4u(i * 4u) + vec4u(0u, 1u, 2u, 3u);
    let lower = (l < vec4u(latent)) | ((l == vec4u(latent)) & (at < vec4u(place)));
    let better = (s > vec4f(score)) | ((s == vec4f(score)) & lower);
    before += select(vec4u(0u), vec4u(1u), better);
  }
  let rank = before.x + before.y + before.z + before.w;
  if (rank >= dims.capacity) { return; }
  let kept = rank < step[{{K_WORD}}];
  bestScore[row * dims.capacity + rank] = select(EMPTY, score, kept);
  bestLatent[row * dims.capacity + rank] = select(NONE, latent, kept);
}
