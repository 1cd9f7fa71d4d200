// The step's few numbers, on the GPU so that nothing waits for the host. One thread.
//   fvu  = sum |e|^2 / V, V = sum |y - mean|^2 (the batch's own, treated as data);
//          scale of the gradient -2 / V
//   auxk = sum |E - Ê|^2 / sum |E - mean E|^2 over dead latents, times its coefficient;
//          scale of the gradient -2 alpha / V_aux
// AUX = 0: after the main decode; AUX = 1: after the decode of the dead latents. A denominator
// below 1e-12 gives zero.
struct Dims {
  alpha: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read> deadCount: array<u32>;
@group(0) @binding(3) var<storage, read_write> scalars: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let error = sums[0].x;
  let spread = sums[0].y;
  let sound = spread > 1e-12;
  //#if AUX
  let useful = sound && deadCount[{{DEAD_PLACE}}] > 0u;
  scalars[{{AUX_SCALE}}] = select(0.0, -2.0 * dims.alpha / spread, useful);
  scalars[{{AUX_LOSS}}] = select(0.0, error / spread, useful);
  //#else
  scalars[{{SCALE}}] = select(0.0, -2.0 / spread, sound);
  scalars[{{FVU}}] = select(0.0, error / spread, sound);
  scalars[{{SQUARED_ERROR}}] = error;
  scalars[{{SPREAD}}] = spread;
  scalars[{{AUX_SCALE}}] = 0.0;
  scalars[{{AUX_LOSS}}] = 0.0;
  //#end
}
