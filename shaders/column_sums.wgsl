// sums[chunk, c] = sum over the chunk's rows of weight * m[row, c], or of m[row, c]^2 (SQUARED),
// rows in order. Applied again to its own output with one chunk it gives the sum over all rows, by
// a tree whose shape depends on the sizes only. A thread has COLUMNS vec4s of a row, every LANES-th
// one: together LANES threads walk on through whole rows. It takes ROWS rows at a time (the first
// of PASSES), what is left one by one.
struct Dims {
  rows: u32,
  d4: u32,
  threads: u32,    // threads of a chunk
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
  let chunk = id / dims.threads;
  if (chunk >= dims.chunks) { return; }
  let part = id % dims.threads;
  //#for c in 0..COLUMNS
  let place{{c}} = part / {{LANES}}u * {{LANES * COLUMNS}}u + {{LANES * c}}u + part % {{LANES}}u;
  let column{{c}} = min(place{{c}}, dims.d4 - 1u);
  var sum{{c}} = vec4f(0.0);
  //#end
  let first = chunk * dims.chunkRows;
  let end = min(first + dims.chunkRows, dims.rows);
  var r = first;
  //#for pass in 0..PASSES
  for (; r + {{(ROWS - 1) * (1 - pass)}}u < end; r += {{ROWS - (ROWS - 1) * pass}}u) {
    //#for i in 0..ROWS - (ROWS - 1) * pass
    let base{{i}} = (r + {{i}}u) * dims.d4;
    //#if WEIGHTED
    let weight{{i}} = vec4f(weights[dims.firstWeight + r + {{i}}u]);
    //#end
    //#for c in 0..COLUMNS
    let v{{i}}x{{c}} = m[base{{i}} + column{{c}}];
    //#if WEIGHTED
    sum{{c}} = fma(weight{{i}}, v{{i}}x{{c}}, sum{{c}});
    //#else
    //#if SQUARED
    sum{{c}} = fma(v{{i}}x{{c}}, v{{i}}x{{c}}, sum{{c}});
    //#else
    sum{{c}} += v{{i}}x{{c}};
    //#end
    //#end
    //#end
    //#end
  }
  //#end
  let out = (dims.firstChunk + chunk) * dims.d4;
  //#for c in 0..COLUMNS
  if (place{{c}} < dims.d4) { sums[out + place{{c}}] = sum{{c}}; }
  //#end
}
