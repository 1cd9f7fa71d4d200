// The code by latent: entry (r, l) goes to offsets[l] + the number of earlier rows in which l is
// active: those of whole vec4s of bits were counted before. A placed entry is one vec4 to load
// later: row, value, dz, index in the code by rows; value and dz as bits. A row has `threads`
// threads; where it may have more entries, each goes on to further ones (STRIDED).
struct Dims {
  rows: u32,
  threads: u32,    // threads of a row
  words4: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read> dz: array<u32>;
@group(0) @binding(4) var<storage, read> bits: array<vec4u>;
@group(0) @binding(5) var<storage, read> before: array<u32>;
@group(0) @binding(6) var<storage, read> offsets: array<u32>;
@group(0) @binding(7) var<storage, read_write> placed: array<vec4u>;

//#use linear_id

fn place(row: u32, e: u32) {
  let entry = entries[e];
  let here = entry.x * dims.words4 + row / 128u;
  // Of the row's own vec4: whole words before its word, and the bits below its bit.
  let own = bits[here];
  let word = (row / 32u) % 4u;
  let below = (1u << (row % 32u)) - 1u;
  let lanes = vec4u(0u, 1u, 2u, 3u);
  let mask = select(select(vec4u(0u), vec4u(below), lanes == vec4u(word)), vec4u(0xffffffffu),
                    lanes < vec4u(word));
  let sum = countOneBits(own & mask);
  let at = offsets[entry.x] + before[here] + sum.x + sum.y + sum.z + sum.w;
  placed[at] = vec4u(row, entry.y, dz[e], e);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.threads;
  if (row >= dims.rows) { return; }
  let span = spans[row];
  let e = span.x + id % dims.threads;
  //#if STRIDED
  for (var at = e; at < span.y; at += dims.threads) { place(row, at); }
  //#else
  if (e < span.y) { place(row, e); }
  //#end
}
