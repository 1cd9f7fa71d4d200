// offsets[i] = counts[0] + … + counts[i-1], offsets[n] = the total. Three phases, no barriers:
// 0: sums of chunks of CHUNK; 1: one thread turns them into starts; 2: each chunk writes its
// offsets.
struct Dims {
  n: u32,
  chunks: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> chunkStarts: array<u32>;
@group(0) @binding(3) var<storage, read_write> offsets: array<u32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let chunk = linearId(wid, nwg, local, 64u);
  //#if STARTS
  if (chunk > 0u) { return; }
  var sum = 0u;
  for (var i = 0u; i < dims.chunks; i++) {
    let here = chunkStarts[i];
    chunkStarts[i] = sum;
    sum += here;
  }
  offsets[dims.n] = sum;
  //#else
  if (chunk >= dims.chunks) { return; }
  let first = chunk * {{CHUNK}}u;
  let end = min(first + {{CHUNK}}u, dims.n);
  //#if SUMS
  var sum = 0u;
  for (var i = first; i < end; i++) { sum += counts[i]; }
  chunkStarts[chunk] = sum;
  //#else
  var sum = chunkStarts[chunk];
  for (var i = first; i < end; i++) {
    offsets[i] = sum;
    sum += counts[i];
  }
  //#end
  //#end
}
