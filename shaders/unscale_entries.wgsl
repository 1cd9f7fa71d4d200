// value /= factors[latent] for every entry of a code: from scores that a gate compared back to
// activations. A row has `threads` threads; where it may have more entries, each goes on (STRIDED).
struct Dims {
  rows: u32,
  threads: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> factors: array<f32>;
@group(0) @binding(3) var<storage, read_write> entries: array<vec2u>;

//#use linear_id

fn unscale(e: u32) {
  let entry = entries[e];
  entries[e].y = bitcast<u32>(bitcast<f32>(entry.y) / factors[entry.x]);
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
  for (var at = e; at < span.y; at += dims.threads) { unscale(at); }
  //#else
  if (e < span.y) { unscale(e); }
  //#end
}
