// The sparse code of a row's picks: picks of one latent are added up, in their order, and latents
// ascend. For the way back it also writes for every place i of a row
//   order[i] = (latent of pick i, its value as bits, home of pick i, home of entry i)
// where the home of a latent is the last of its picks. One thread a row; bottom-up merge sort of
// (latent, number of the pick) between two halves of scratch.
struct Dims {
  rows: u32,
  capacity: u32,   // picks and entries that a row has room for
  iterations: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> latents: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<f32>; // 0 where there is no pick
@group(0) @binding(3) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> entries: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> scratch: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> order: array<vec4u>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.capacity;
  // Nothing is picked after an iteration without a pick.
  var n = 0u;
  while (n < dims.iterations && values[base + n] != 0.0) {
    entries[base + n] = vec2u(latents[base + n], n);
    n++;
  }
  var inScratch = false;
  for (var width = 1u; width < n; width *= 2u) {
    for (var left = 0u; left < n; left += 2u * width) {
      let middle = min(left + width, n);
      let end = min(left + 2u * width, n);
      var a = left;
      var b = middle;
      for (var out = left; out < end; out++) {
        if (inScratch) {
          let takeA = b >= end || (a < middle && scratch[base + a].x <= scratch[base + b].x);
          entries[base + out] = scratch[base + select(b, a, takeA)];
          if (takeA) { a++; } else { b++; }
        } else {
          let takeA = b >= end || (a < middle && entries[base + a].x <= entries[base + b].x);
          scratch[base + out] = entries[base + select(b, a, takeA)];
          if (takeA) { a++; } else { b++; }
        }
      }
    }
    inScratch = !inScratch;
  }
  if (inScratch) {
    for (var i = 0u; i < n; i++) { entries[base + i] = scratch[base + i]; }
  }
  // Runs of one latent become one entry; the sort is stable, so the last of a run is its home.
  for (var i = n; i < dims.capacity; i++) { order[base + i] = vec4u(0u); }
  var count = 0u;
  for (var first = 0u; first < n;) {
    let latent = entries[base + first].x;
    var sum = 0.0;
    var after = first;
    while (after < n && entries[base + after].x == latent) {
      sum += values[base + entries[base + after].y];
      after++;
    }
    let home = entries[base + after - 1u].y;
    for (var i = first; i < after; i++) {
      let t = entries[base + i].y;
      let value = bitcast<u32>(values[base + t]);
      order[base + t] = vec4u(latent, value, home, order[base + t].w);
    }
    order[base + count].w = home;
    entries[base + count] = vec2u(latent, bitcast<u32>(sum));
    count++;
    first = after;
  }
  // Places beyond the entries keep what an earlier batch left in them.
  for (var i = count; i < n; i++) { order[base + i].w = 0u; }
  spans[row] = vec2u(base, base + count);
}
