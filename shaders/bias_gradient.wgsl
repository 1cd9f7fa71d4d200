// Gradient of a decoder bias: grad = scale * sum of residuals, of several sites one after the other
// (ADD), less the sum of the derivatives by the input where the bias is taken from it too (TIED).
// Source: architectures spec section 0.3. One thread: d is small.
struct Dims {
  d4: u32,
  scaleWord: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> residualSum: array<vec4f>;
@group(0) @binding(2) var<storage, read> inputGradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> scalars: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad: array<vec4f>;

@compute @workgroup_size(1)
fn main() {
  let scale = scalars[dims.scaleWord];
  for (var j = 0u; j < dims.d4; j++) {
    var g = scale * residualSum[j];
    //#if TIED
    g -= inputGradient[j];
    //#end
    //#if ADD
    g += grad[j];
    //#end
    grad[j] = g;
  }
}
