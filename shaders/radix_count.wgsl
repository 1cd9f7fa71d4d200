// bins[d] += entries whose bits begin with the prefix found so far and go on with the digit d: one
// pass of a radix select over the values of all rows. Values are not negative, so their bits order
// as they do. Eight threads a row; counts are gathered in a workgroup first.
//   SHIFT: lowest bit of the digit; BELOW: lowest bit of the prefix before it.
struct Dims {
  rows: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read> found: array<u32>;
@group(0) @binding(4) var<storage, read_write> bins: array<atomic<u32>>;

var<workgroup> own: array<atomic<u32>, 256>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  //#for i in 0..4
  atomicStore(&own[local + {{i * 64}}u], 0u);
  //#end
  workgroupBarrier();
  let row = linearId(wid, nwg, local, 64u) / 8u;
  let prefix = found[{{PREFIX}}] >> {{BELOW}}u;
  if (row < dims.rows) {
    let span = spans[row];
    for (var e = span.x + local % 8u; e < span.y; e += 8u) {
      let bits = entries[e].y;
      if (bits >> {{BELOW}}u == prefix) { atomicAdd(&own[(bits >> {{SHIFT}}u) & 255u], 1u); }
    }
  }
  workgroupBarrier();
  //#for i in 0..4
  let n{{i}} = atomicLoad(&own[local + {{i * 64}}u]);
  if (n{{i}} > 0u) { atomicAdd(&bins[local + {{i * 64}}u], n{{i}}); }
  //#end
}
