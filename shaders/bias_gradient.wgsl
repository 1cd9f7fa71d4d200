// Gradient of a decoder bias that is also taken from the input (one parameter, both roles):
// grad = scale * sum of residuals - sum over latents of gradBias[l] * W_enc[l]; the second part
// with TIED only. Source: architectures spec section 0.3. squares[0] = |grad|^2 for clipping. One
// thread: d is small.
struct Dims {
  d4: u32,
  scaleWord: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> residualSum: array<vec4f>;
@group(0) @binding(2) var<storage, read> encoderSum: array<vec4f>;
@group(0) @binding(3) var<storage, read> scalars: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> squares: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let scale = scalars[dims.scaleWord];
  var sum = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    var g = scale * residualSum[j];
    //#if TIED
    g -= encoderSum[j];
    //#end
    grad[j] = g;
    sum = fma(g, g, sum);
  }
  squares[0] = dot(sum, vec4f(1.0));
}
