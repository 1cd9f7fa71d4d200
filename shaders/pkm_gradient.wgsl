// Derivatives by the sub-key scores from those by a code's entries:
// grad[row, head, i1] += dz, grad[row, head, m1 + i2] += dz for entry i1 * m2 + i2 and every head
// that proposed it. LANES threads a row; each owns every LANES-th column, clears it, and adds to it
// in the order of the entries.
struct Dims {
  rows: u32,     // rows of this buffer
  firstRow: u32, // the first one's number in the batch
  stride: u32,   // floats of a row of grad
  heads: u32,
  m1: u32,
  m2: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read> dz: array<f32>;
@group(0) @binding(4) var<storage, read> proposers: array<u32>;
@group(0) @binding(5) var<storage, read_write> grad: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / {{LANES}}u;
  if (row >= dims.rows) { return; }
  let lane = id % {{LANES}}u;
  let base = row * dims.stride;
  //#if !ADD
  for (var c = lane; c < dims.stride; c += {{LANES}}u) { grad[base + c] = 0.0; }
  //#end
  let span = spans[dims.firstRow + row];
  for (var e = span.x; e < span.y; e++) {
    let latent = entries[e].x;
    let first = latent / dims.m2;
    let second = dims.m1 + latent % dims.m2;
    let g = dz[e];
    //#if MERGED
    let who = proposers[e];
    //#else
    let who = 1u;
    //#end
    for (var h = 0u; h < dims.heads; h++) {
      let column = h * (dims.m1 + dims.m2);
      if (((who >> h) & 1u) == 1u) {
        if ((column + first) % {{LANES}}u == lane) { grad[base + column + first] += g; }
        if ((column + second) % {{LANES}}u == lane) { grad[base + column + second] += g; }
      }
    }
  }
}
