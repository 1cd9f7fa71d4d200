// out[g][r] = sum of dz * w[latent] over the entries of row r in group g of latents, latents in
// order: the derivative by what the latents of a group read, where every group reads rows of its
// own. One thread has COLUMNS vec4s of a row for all groups of the dispatch, so that the entries
// are walked once. ADD: to what is there; a matrix in several buffers is a dispatch a buffer.
// W_TEXELS: w lies in a texture.
struct Dims {
  rows: u32,
  d4: u32,
  threads: u32,    // threads of a row: ceil(d4 / COLUMNS)
  size: u32,       // latents of a group
  firstGroup: u32, // first group of the dispatch
  groups: u32,
  outGroup: u32,   // group of the first rows of out
  group4: u32,     // vec4s of out from a group to the next
  firstLatent: u32, // first latent of this buffer
  latents: u32,    // latents of this buffer
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read> dz: array<f32>;
//#if W_TEXELS
@group(0) @binding(4) var w: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(4) var<storage, read> w: array<vec4f>;
//#end
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;

//#use linear_id
//#use texels

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
  let thread = id % dims.threads;
  //#for c in 0..COLUMNS
  //#if NEAR
  let place{{c}} = thread * {{COLUMNS}}u + {{c}}u;
  //#else
  let place{{c}} = thread + {{c}}u * dims.threads;
  //#end
  let col{{c}} = min(place{{c}}, dims.d4 - 1u);
  //#end
  let span = spans[row];
  let first = max(dims.firstGroup * dims.size, dims.firstLatent);
  var e = span.x;
  while (e < span.y && entries[e].x < first) { e++; }
  for (var group = dims.firstGroup; group < dims.firstGroup + dims.groups; group++) {
    let at = (group - dims.outGroup) * dims.group4 + row * dims.d4;
    //#for c in 0..COLUMNS
    //#if ADD
    var acc{{c}} = out[at + col{{c}}];
    //#else
    var acc{{c}} = vec4f(0.0);
    //#end
    //#end
    let stop = min((group + 1u) * dims.size, dims.firstLatent + dims.latents);
    while (e < span.y) {
      let latent = entries[e].x;
      if (latent >= stop) { break; }
      let weight = vec4f(dz[e]);
      let base = (latent - dims.firstLatent) * dims.d4;
      //#for c in 0..COLUMNS
      acc{{c}} = fma(weight, wAt(base + col{{c}}), acc{{c}});
      //#end
      e++;
    }
    //#for c in 0..COLUMNS
    if (place{{c}} < dims.d4) { out[at + col{{c}}] = acc{{c}}; }
    //#end
  }
}
