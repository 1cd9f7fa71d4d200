// Of every latent: takes from grad its component parallel to w (PROJECT; w need not be of unit
// length), and squares[l] = |grad[l]|^2 + |other[l]|^2 + gradBias[l]^2, what gradient clipping
// needs of the latent. Source of the projection: unit-norm decoders, architectures spec section 2.
// One thread a latent.
struct Dims {
  latents: u32,    // latents of this buffer
  d4: u32,         // vec4s of a row of w and grad
  other4: u32,     // vec4s of a row of other
  firstLatent: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> other: array<vec4f>;
@group(0) @binding(3) var<storage, read> gradBias: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> squares: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  let base = latent * dims.d4;
  var sum = vec4f(0.0);
  //#if PROJECT
  var along = vec4f(0.0);
  var norm = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    let v = w[base + j];
    along = fma(v, grad[base + j], along);
    norm = fma(v, v, norm);
  }
  let square = dot(norm, vec4f(1.0));
  let factor = vec4f(select(0.0, dot(along, vec4f(1.0)) / square, square > 0.0));
  for (var j = 0u; j < dims.d4; j++) {
    let g = grad[base + j] - factor * w[base + j];
    grad[base + j] = g;
    sum = fma(g, g, sum);
  }
  //#else
  for (var j = 0u; j < dims.d4; j++) { sum = fma(grad[base + j], grad[base + j], sum); }
  //#end
  let otherBase = latent * dims.other4;
  for (var j = 0u; j < dims.other4; j++) {
    sum = fma(other[otherBase + j], other[otherBase + j], sum);
  }
  let b = gradBias[dims.firstLatent + latent];
  squares[dims.firstLatent + latent] = fma(b, b, dot(sum, vec4f(1.0)));
}
