// The loss of nested prefixes, after loss_scalars has judged the reconstruction by all latents:
//   FVU:  fvu[g] = sum |rest[g]|^2 / spread,  loss = sum over g of weight[g] * fvu[g]
//   else: loss = factor * sum over g of weight[g] * sum |rest[g]|^2
// A spread below 1e-12 gives zero. The factor of the gradient stays that of the whole: the
// prefixes' weights are in their residuals already. One thread.
struct Dims {
  weight: f32,
  factor: f32,
  prefixes: u32,
  site: u32,       // first word of the site in scalars
  at: u32,         // first word of the prefixes in scalars
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> squares: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<vec2u>; // (bound, bits of the weight)
@group(0) @binding(3) var<storage, read_write> scalars: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let spread = scalars[dims.site + {{SPREAD}}u];
  let sound = spread > 1e-12;
  var loss = 0.0;
  for (var g = 0u; g < dims.prefixes; g++) {
    let share = select(0.0, squares[g] / spread, sound);
    scalars[dims.at + g] = share;
    //#if FVU
    loss = fma(bitcast<f32>(table[g].y), share, loss);
    //#else
    loss = fma(bitcast<f32>(table[g].y), dims.factor * squares[g], loss);
    //#end
  }
  scalars[dims.site + {{LOSS}}u] = loss;
  scalars[dims.site + {{WEIGHTED}}u] = dims.weight * loss;
}
