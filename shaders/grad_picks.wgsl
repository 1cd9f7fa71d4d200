// grad[l] = sum of what the rows gave to latent l in shares, rows in order. Rows come in chunks:
// each goes on (ADD) where the one before stopped, so that chunks change no bits. One thread owns
// COLUMNS vec4s of a latent.
struct Dims {
  latents: u32,    // latents of this buffer
  d4: u32,
  threads: u32,    // threads of a latent: ceil(d4 / COLUMNS)
  firstLatent: u32,
  capacity: u32,   // picks that a row has room for
  firstRow: u32,   // rows of this chunk, whose picks shares holds from its start
  endRow: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> placed: array<vec4u>;
@group(0) @binding(3) var<storage, read> order: array<vec4u>;
@group(0) @binding(4) var<storage, read> shares: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> grad: array<vec4f>;

//#use linear_id

// The first entry in [begin, end) that is not of an earlier row.
fn firstOf(row: u32, begin: u32, end: u32) -> u32 {
  var low = begin;
  var high = end;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (placed[middle].x < row) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let latent = id / dims.threads;
  if (latent >= dims.latents) { return; }
  let first = id % dims.threads;
  let end = offsets[dims.firstLatent + latent + 1u];
  let begin = firstOf(dims.firstRow, offsets[dims.firstLatent + latent], end);
  //#if ADD
  if (begin == end || placed[begin].x >= dims.endRow) { return; }
  //#end
  //#for c in 0..COLUMNS
  //#if NEAR
  let place{{c}} = first * {{COLUMNS}}u + {{c}}u;
  //#else
  let place{{c}} = first + {{c}}u * dims.threads;
  //#end
  let col{{c}} = min(place{{c}}, dims.d4 - 1u);
  //#if ADD
  var acc{{c}} = grad[latent * dims.d4 + col{{c}}];
  //#else
  var acc{{c}} = vec4f(0.0);
  //#end
  //#end
  for (var e = begin; e < end; e++) {
    let entry = placed[e];
    if (entry.x >= dims.endRow) { break; }
    let pick = (entry.x - dims.firstRow) * dims.capacity + order[entry.w].w;
    //#for c in 0..COLUMNS
    acc{{c}} += shares[pick * dims.d4 + col{{c}}];
    //#end
  }
  //#for c in 0..COLUMNS
  if (place{{c}} < dims.d4) { grad[latent * dims.d4 + col{{c}}] = acc{{c}}; }
  //#end
}
