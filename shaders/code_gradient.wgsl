// dz[e] = scale * dot(residual[row], w[latent]) for every entry e of the code.
// One thread takes 4 entries of a row, so that the residual is loaded once for four rows of w.
struct Dims {
  rows: u32,
  d4: u32,
  capacity: u32,   // most entries of a row
  quads: u32,      // ceil(capacity / 4)
  firstLatent: u32,
  latents: u32,
  scaleWord: u32,  // place of the factor in scalars
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read> w: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read> scalars: array<f32>;
@group(0) @binding(6) var<storage, read_write> dz: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.quads;
  if (row >= dims.rows) { return; }
  let span = spans[row];
  let first = span.x + (id % dims.quads) * 4u;
  if (first >= span.y) { return; }
  let last = span.y - 1u;
  //#for i in 0..4
  let latent{{i}} = entries[min(first + {{i}}u, last)].x - dims.firstLatent;
  let base{{i}} = min(latent{{i}}, dims.latents - 1u) * dims.d4;
  var sum{{i}} = vec4f(0.0);
  //#end
  let begin = row * dims.d4;
  for (var j = 0u; j < dims.d4; j++) {
    let r = residual[begin + j];
    //#for i in 0..4
    sum{{i}} = fma(r, w[base{{i}} + j], sum{{i}});
    //#end
  }
  let scale = scalars[dims.scaleWord];
  //#for i in 0..4
  if (first + {{i}}u < span.y && latent{{i}} < dims.latents) {
    dz[first + {{i}}u] = scale * ((sum{{i}}.x + sum{{i}}.y) + (sum{{i}}.z + sum{{i}}.w));
  }
  //#end
}
