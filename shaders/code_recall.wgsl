// scalars[word] = share of the entries of one code whose latents another code has in the same row;
// 1 where there are none. One workgroup; a thread walks through a row of both, latents ascending.
struct Dims {
  rows: u32,       // 64 at most
  word: u32,       // place in scalars
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> wantedSpans: array<vec2u>;
@group(0) @binding(2) var<storage, read> wanted: array<vec2u>;
@group(0) @binding(3) var<storage, read> foundSpans: array<vec2u>;
@group(0) @binding(4) var<storage, read> found: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> scalars: array<f32>;

var<workgroup> counts: array<vec2u, 64>; // (found, wanted) of a row

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) row: u32) {
  var hits = 0u;
  var all = 0u;
  if (row < dims.rows) {
    let mine = wantedSpans[row];
    let other = foundSpans[row];
    all = mine.y - mine.x;
    var at = other.x;
    for (var i = mine.x; i < mine.y; i++) {
      let latent = wanted[i].x;
      while (at < other.y && found[at].x < latent) { at++; }
      if (at < other.y && found[at].x == latent) { hits++; }
    }
  }
  counts[row] = vec2u(hits, all);
  workgroupBarrier();
  if (row != 0u) { return; }
  var sum = vec2u(0u);
  for (var r = 0u; r < dims.rows; r++) { sum += counts[r]; }
  scalars[dims.word] = select(1.0, f32(sum.x) / f32(max(sum.y, 1u)), sum.y > 0u);
}
