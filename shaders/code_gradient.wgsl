// dz[e] = scale * dot(residual[row], w[latent]) for every entry e of the code that has a row in w,
// or as much more (ADD).
// One thread takes 4 entries of a row, so that the residual is loaded once for four rows of w;
// where a row may have more than 4 entries a thread, each goes on to further ones (STRIDED).
// PREFIXES > 0: every prefix has residuals of its own, [PREFIXES, rows], and an entry takes those
// of the first prefix that has its latent. W_TEXELS, RESIDUAL_TEXELS: in a texture. TURNED: threads
// side by side have the same place in neighbouring rows, and not neighbouring places of a row.
struct Dims {
  rows: u32,
  d4: u32,
  capacity: u32,   // most entries of a row
  quads: u32,      // threads of a row
  firstLatent: u32,
  latents: u32,
  scaleWord: u32,  // place of the factor in scalars
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
//#if W_TEXELS
@group(0) @binding(3) var w: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(3) var<storage, read> w: array<vec4f>;
//#end
//#if RESIDUAL_TEXELS
@group(0) @binding(4) var residual: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
//#end
@group(0) @binding(5) var<storage, read> scalars: array<f32>;
@group(0) @binding(6) var<storage, read> table: array<vec2u>; // (bound, weight) of the prefixes
@group(0) @binding(7) var<storage, read_write> dz: array<f32>;

//#use linear_id
//#use texels

//#if W_TEXELS
fn wAt(i: u32) -> vec4f { return textureLoad(w, texelOf(i)); }
//#else
fn wAt(i: u32) -> vec4f { return w[i]; }
//#end
//#if RESIDUAL_TEXELS
fn restAt(i: u32) -> vec4f { return textureLoad(residual, texelOf(i)); }
//#else
fn restAt(i: u32) -> vec4f { return residual[i]; }
//#end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  //#if TURNED
  let row = id % dims.rows;
  let quad = id / dims.rows;
  if (quad >= dims.quads) { return; }
  //#else
  let row = id / dims.quads;
  let quad = id % dims.quads;
  if (row >= dims.rows) { return; }
  //#end
  let span = spans[row];
  //#if STRIDED
  for (var first = span.x + quad * 4u; first < span.y; first += dims.quads * 4u) {
  //#else
  let first = span.x + quad * 4u;
  if (first < span.y) {
  //#end
    let last = span.y - 1u;
    //#for i in 0..4
    let latent{{i}} = entries[min(first + {{i}}u, last)].x - dims.firstLatent;
    let base{{i}} = min(latent{{i}}, dims.latents - 1u) * dims.d4;
    var sum{{i}} = vec4f(0.0);
    //#end
    //#if PREFIXES
    // Latents ascend, so four of them seldom lie in more than two prefixes: residuals of the first
    // and the last one are loaded, and what lies between them gets a walk of its own.
    //#for i in 0..4
    var prefix{{i}} = 0u;
    //#for g in 0..PREFIXES - 1
    prefix{{i}} += select(0u, 1u, latent{{i}} + dims.firstLatent >= table[{{g}}].x);
    //#end
    let begin{{i}} = (prefix{{i}} * dims.rows + row) * dims.d4;
    //#end
    let low1 = vec4<bool>(prefix1 == prefix0);
    let low2 = vec4<bool>(prefix2 == prefix0);
    for (var j = 0u; j < dims.d4; j++) {
      let low = restAt(begin0 + j);
      let high = restAt(begin3 + j);
      sum0 = fma(low, wAt(base0 + j), sum0);
      sum1 = fma(select(high, low, low1), wAt(base1 + j), sum1);
      sum2 = fma(select(high, low, low2), wAt(base2 + j), sum2);
      sum3 = fma(high, wAt(base3 + j), sum3);
    }
    //#for i in 1..3
    if (prefix{{i}} != prefix0 && prefix{{i}} != prefix3) {
      sum{{i}} = vec4f(0.0);
      for (var j = 0u; j < dims.d4; j++) {
        sum{{i}} = fma(restAt(begin{{i}} + j), wAt(base{{i}} + j), sum{{i}});
      }
    }
    //#end
    //#else
    let begin = row * dims.d4;
    for (var j = 0u; j < dims.d4; j++) {
      let r = restAt(begin + j);
      //#for i in 0..4
      sum{{i}} = fma(r, wAt(base{{i}} + j), sum{{i}});
      //#end
    }
    //#end
    let scale = scalars[dims.scaleWord];
    //#for i in 0..4
    if (first + {{i}}u < span.y && latent{{i}} < dims.latents) {
      let own{{i}} = scale * ((sum{{i}}.x + sum{{i}}.y) + (sum{{i}}.z + sum{{i}}.w));
      //#if ADD
      dz[first + {{i}}u] += own{{i}};
      //#else
      dz[first + {{i}}u] = own{{i}};
      //#end
    }
    //#end
  }
}
