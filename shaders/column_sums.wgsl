// sums[chunk, c] = sum over the chunk's rows of weight * m[row, c], or of m[row, c]^2 (SQUARED),
// rows in order. Applied again to its own output with one chunk it gives the sum over all rows, by
// a tree whose shape depends on the sizes only.
struct Dims {
  rows: u32,
  d4: u32,
  chunkRows: u32,
  chunks: u32,
  firstWeight: u32, // place of row 0's weight; used by WEIGHTED
  firstChunk: u32, // place of this buffer's first chunk in sums
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> m: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let chunk = id / dims.d4;
  if (chunk >= dims.chunks) { return; }
  let column = id % dims.d4;
  let first = chunk * dims.chunkRows;
  let end = min(first + dims.chunkRows, dims.rows);
  var sum = vec4f(0.0);
  for (var r = first; r < end; r++) {
    //#if WEIGHTED
    sum = fma(vec4f(weights[dims.firstWeight + r]), m[r * dims.d4 + column], sum);
    //#else
    //#if SQUARED
    let v = m[r * dims.d4 + column];
    sum = fma(v, v, sum);
    //#else
    sum += m[r * dims.d4 + column];
    //#end
    //#end
  }
  sums[(dims.firstChunk + chunk) * dims.d4 + column] = sum;
}
