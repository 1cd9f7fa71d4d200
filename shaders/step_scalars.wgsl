// The end of a step: total loss over all sites, FVU over the targets' sites, clip factor
// min(1, limit / norm) from the squares of all gradients, and one row of the metrics ring, copied
// word by word from scalars as `fields` says. A limit of 0 means no clipping. L0 is over the rows
// that count. One thread.
struct Dims {
  limit: f32,
  rows: f32,        // rows of the batch
  sites: u32,       // sites in all
  targets: u32,     // the first of them, which are the model's reconstructions
  norms4: u32,      // vec4s of squares
  counts: u32,      // numbers of entries to add
  deadPlace: u32,
  fields: u32,      // floats of a row of the ring
  at: u32,          // first word of the sites in scalars
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> norms: array<vec4f>;
@group(0) @binding(3) var<storage, read> activeCounts: array<u32>;
@group(0) @binding(4) var<storage, read> deadCount: array<u32>;
@group(0) @binding(5) var<storage, read> fields: array<u32>;
@group(0) @binding(6) var<storage, read_write> scalars: array<f32>;
@group(0) @binding(7) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var total = scalars[{{SPARSITY_LOSS}}] + scalars[{{PRE_ACT_LOSS}}];
  var error = 0.0;
  var spread = 0.0;
  for (var i = 0u; i < dims.sites; i++) {
    let base = dims.at + i * {{SITE_WORDS}}u;
    total += scalars[base + {{WEIGHTED}}u];
    if (i < dims.targets) {
      error += scalars[base + {{ERROR_WORD}}u];
      spread += scalars[base + {{SPREAD_WORD}}u];
    }
  }
  var squares = 0.0;
  for (var i = 0u; i < dims.norms4; i++) { squares += dot(norms[i], vec4f(1.0)); }
  let norm = sqrt(squares);
  var entries = 0u;
  for (var i = 0u; i < dims.counts; i++) { entries += activeCounts[i]; }
  scalars[{{CLIP}}] = select(1.0, dims.limit / norm, dims.limit > 0.0 && norm > dims.limit);
  scalars[{{TOTAL}}] = total;
  scalars[{{FVU}}] = select(0.0, error / spread, spread > 1e-12);
  scalars[{{L0}}] = f32(entries) / (dims.rows - f32(step[{{LEFT_OUT}}]));
  scalars[{{DEAD}}] = f32(deadCount[dims.deadPlace]);
  scalars[{{GRAD_NORM}}] = norm;
  scalars[{{SQUARED_ERROR}}] = error;
  scalars[{{SPREAD}}] = spread;
  let row = step[{{SLOT_WORD}}] * dims.fields;
  for (var i = 0u; i < dims.fields; i++) { ring[row + i] = scalars[fields[i]]; }
}
