// score[e] = dot(x[row], w[latent]) + bias[latent] for every entry of a row that has a row in w.
// One thread takes 4 entries, so that x is loaded once for four rows of w. Terms are added in turn,
// the bias first, as in encode_gemm: the scores are its scores.
// X_TEXELS, W_TEXELS: in a texture.
struct Dims {
  rows: u32,
  d4: u32,         // vec4s of a row of x and w
  quads: u32,      // threads of a row
  firstLatent: u32, // of w
  latents: u32,    // rows of w
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
//#if X_TEXELS
@group(0) @binding(3) var x: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(3) var<storage, read> x: array<vec4f>;
//#end
//#if W_TEXELS
@group(0) @binding(4) var w: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(4) var<storage, read> w: array<vec4f>;
//#end
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> scores: array<f32>;

//#use linear_id
//#use texels

//#if X_TEXELS
fn xAt(i: u32) -> vec4f { return textureLoad(x, texelOf(i)); }
//#else
fn xAt(i: u32) -> vec4f { return x[i]; }
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
  let row = id / dims.quads;
  if (row >= dims.rows) { return; }
  let span = spans[row];
  for (var first = span.x + (id % dims.quads) * 4u; first < span.y; first += dims.quads * 4u) {
    let last = span.y - 1u;
    //#for i in 0..4
    let latent{{i}} = entries[min(first + {{i}}u, last)].x - dims.firstLatent;
    let near{{i}} = min(latent{{i}}, dims.latents - 1u);
    let base{{i}} = near{{i}} * dims.d4;
    var sum{{i}} = bias[dims.firstLatent + near{{i}}];
    //#end
    let begin = row * dims.d4;
    for (var j = 0u; j < dims.d4; j++) {
      let a = xAt(begin + j);
      //#for i in 0..4
      let w{{i}} = wAt(base{{i}} + j);
      //#for c in 0..4
      sum{{i}} = fma(a[{{c}}], w{{i}}[{{c}}], sum{{i}});
      //#end
      //#end
    }
    //#for i in 0..4
    if (first + {{i}}u < span.y && latent{{i}} < dims.latents) {
      scores[first + {{i}}u] = sum{{i}};
    }
    //#end
  }
}
