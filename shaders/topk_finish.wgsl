// Turns the running lists into a sparse code: drops scores that are not positive (ReLU) and sorts
// each row by latent. One thread a row; bottom-up merge sort between two halves of scratch, k log k
// moves.
struct Dims {
  rows: u32,
  capacity: u32,   // entries of a list, a multiple of 4
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> bestScore: array<f32>;
@group(0) @binding(2) var<storage, read> bestLatent: array<u32>;
@group(0) @binding(3) var<storage, read> map: array<u32>;
@group(0) @binding(4) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> entries: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> scratch: array<vec2u>;

const NONE = 0xffffffffu;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.capacity;
  var n = 0u;
  for (var i = 0u; i < dims.capacity; i++) {
    let latent = bestLatent[base + i];
    let score = bestScore[base + i];
    if (latent != NONE && score > 0.0) {
      //#if MAPPED
      entries[base + n] = vec2u(map[latent], bitcast<u32>(score));
      //#else
      entries[base + n] = vec2u(latent, bitcast<u32>(score));
      //#end
      n++;
    }
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
  spans[row] = vec2u(base, base + n);
}
