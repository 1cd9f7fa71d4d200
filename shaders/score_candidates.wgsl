// score[e] = dot(x[row], w[latent]) + bias[latent] for every candidate of a row that has a row in w.
// One thread takes 4 candidates, so that x is loaded once for four rows of w. Terms are added one
// after the other, the bias first, as in encode_gemm: the scores are its scores.
struct Dims {
  rows: u32,
  d4: u32,         // vec4s of a row of x and w
  quads: u32,      // vec4s of a list, each a thread's
  firstLatent: u32, // of w
  latents: u32,    // rows of w
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> candidates: array<vec4u>; // latents, 0xffffffff where empty
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> scores: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.rows * dims.quads) { return; }
  let own = candidates[id] - vec4u(dims.firstLatent);
  let here = own < vec4u(dims.latents);
  if (!any(here)) { return; }
  let near = min(own, vec4u(dims.latents - 1u));
  let base = near * dims.d4;
  let place = near + vec4u(dims.firstLatent);
  var sum = vec4f(bias[place.x], bias[place.y], bias[place.z], bias[place.w]);
  let begin = id / dims.quads * dims.d4;
  for (var j = 0u; j < dims.d4; j++) {
    let a = x[begin + j];
    let w0 = w[base.x + j];
    let w1 = w[base.y + j];
    let w2 = w[base.z + j];
    let w3 = w[base.w + j];
    sum = fma(vec4f(a.x), vec4f(w0.x, w1.x, w2.x, w3.x), sum);
    sum = fma(vec4f(a.y), vec4f(w0.y, w1.y, w2.y, w3.y), sum);
    sum = fma(vec4f(a.z), vec4f(w0.z, w1.z, w2.z, w3.z), sum);
    sum = fma(vec4f(a.w), vec4f(w0.w, w1.w, w2.w, w3.w), sum);
  }
  scores[id] = select(scores[id], sum, here);
}
