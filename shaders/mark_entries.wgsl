// Sets bit r of latent l's row of bits for every entry (r, l). Setting bits is the same in any
// order. A row has `threads` threads; where it may have more entries, each goes on to further ones
// (STRIDED).
struct Dims {
  rows: u32,
  threads: u32,    // threads of a row
  words: u32,      // u32s of a latent's bits, a multiple of 4
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> bits: array<atomic<u32>>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.threads;
  if (row >= dims.rows) { return; }
  let span = spans[row];
  let e = span.x + id % dims.threads;
  let mark = 1u << (row % 32u);
  //#if STRIDED
  for (var at = e; at < span.y; at += dims.threads) {
    atomicOr(&bits[entries[at].x * dims.words + row / 32u], mark);
  }
  //#else
  if (e >= span.y) { return; }
  atomicOr(&bits[entries[e].x * dims.words + row / 32u], mark);
  //#end
}
