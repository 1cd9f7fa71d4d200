// recon[r] = start + sum over the entries of row r of value * w[latent], entries in order of
// latents. One thread computes COLUMNS vec4s of a row, so that an entry is loaded once for all of
// them: neighbouring ones (NEAR) where every thread has cache lines of its own, else every so many.
// A matrix in several buffers is one dispatch a buffer: each adds its own latents (ADD).
// ENTRIES_TEXELS, two entries a texel, W_TEXELS: in a texture.
// PAIRS: every entry has its row here, and a turn takes two: entries of a row begin at even places.
struct Dims {
  rows: u32,
  d4: u32,
  threads: u32,    // threads of a row: ceil(d4 / COLUMNS)
  firstLatent: u32, // first latent of this buffer
  latents: u32,    // latents of this buffer
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
//#if ENTRIES_TEXELS
@group(0) @binding(2) var entries: texture_storage_2d<rgba32uint, read>;
//#else
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
//#end
//#if W_TEXELS
@group(0) @binding(3) var w: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(3) var<storage, read> w: array<vec4f>;
//#end
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> recon: array<vec4f>;

//#use linear_id
//#use texels

//#if ENTRIES_TEXELS
fn entryAt(i: u32) -> vec2u {
  let two = textureLoad(entries, texelOf(i >> 1u));
  return select(two.xy, two.zw, (i & 1u) == 1u);
}
//#else
fn entryAt(i: u32) -> vec2u { return entries[i]; }
//#end
//#if W_TEXELS
fn wAt(i: u32) -> vec4f { return textureLoad(w, texelOf(i)); }
//#else
fn wAt(i: u32) -> vec4f { return w[i]; }
//#end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.threads;
  if (row >= dims.rows) { return; }
  let first = id % dims.threads;
  //#for c in 0..COLUMNS
  //#if NEAR
  let place{{c}} = first * {{COLUMNS}}u + {{c}}u;
  //#else
  let place{{c}} = first + {{c}}u * dims.threads;
  //#end
  let col{{c}} = min(place{{c}}, dims.d4 - 1u);
  //#if ADD
  var acc{{c}} = recon[row * dims.d4 + col{{c}}];
  //#else
  //#if BIAS
  var acc{{c}} = bias[col{{c}}];
  //#else
  var acc{{c}} = vec4f(0.0);
  //#end
  //#end
  //#end
  let span = spans[row];
  var e = span.x;
  //#if PAIRS
  for (; e + 1u < span.y; e += 2u) {
    let two = textureLoad(entries, texelOf(e >> 1u));
    //#for i in 0..2
    let value{{i}} = vec4f(bitcast<f32>(two[{{2 * i + 1}}]));
    let base{{i}} = two[{{2 * i}}] * dims.d4;
    //#for c in 0..COLUMNS
    acc{{c}} = fma(value{{i}}, wAt(base{{i}} + col{{c}}), acc{{c}});
    //#end
    //#end
  }
  //#end
  for (; e < span.y; e++) {
    let entry = entryAt(e);
    let latent = entry.x - dims.firstLatent;
    if (latent < dims.latents) {
      let value = vec4f(bitcast<f32>(entry.y));
      let base = latent * dims.d4;
      //#for c in 0..COLUMNS
      acc{{c}} = fma(value, wAt(base + col{{c}}), acc{{c}});
      //#end
    }
  }
  //#for c in 0..COLUMNS
  if (place{{c}} < dims.d4) { recon[row * dims.d4 + col{{c}}] = acc{{c}}; }
  //#end
}
