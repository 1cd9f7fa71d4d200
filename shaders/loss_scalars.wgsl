// The few numbers of a site, on the GPU so that nothing waits for the host. One thread.
//   FVU:  loss = sum |e|^2 / V, V = sum |y - mean|^2 (the batch's own, treated as data); scale of
//         the gradient -2 weight / V; a V below 1e-12 gives zero
//   else: loss = factor * sum |e|^2; scale -2 weight factor
// GUARDED: all zero where the count is zero (AuxK without dead latents). MASKED: the factor is for
// all rows of the batch, and sums[5] of them count.
struct Dims {
  weight: f32,
  factor: f32,
  at: u32,         // first word of the site in scalars
  place: u32,      // place of the count
  rows: f32,       // of the batch; used by MASKED
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> scalars: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let error = sums[0].x;
  let spread = sums[0].y;
  let sound = spread > 1e-12;
  //#if GUARDED
  let useful = count[dims.place] > 0u;
  //#else
  let useful = true;
  //#end
  let share = select(0.0, error / spread, sound);
  //#if FVU
  let loss = share;
  let scale = select(0.0, -2.0 * dims.weight / spread, sound);
  //#else
  //#if MASKED
  let factor = dims.factor * (dims.rows / max(1.0, sums[1].y));
  //#else
  let factor = dims.factor;
  //#end
  let loss = factor * error;
  let scale = -2.0 * dims.weight * factor;
  //#end
  scalars[dims.at + {{SCALE}}u] = select(0.0, scale, useful);
  scalars[dims.at + {{LOSS}}u] = select(0.0, loss, useful);
  scalars[dims.at + {{ERROR}}u] = select(0.0, error, useful);
  scalars[dims.at + {{SPREAD}}u] = select(0.0, spread, useful);
  scalars[dims.at + {{WEIGHTED}}u] = select(0.0, dims.weight * loss, useful);
  scalars[dims.at + {{FVU_WORD}}u] = select(0.0, share, useful);
}
