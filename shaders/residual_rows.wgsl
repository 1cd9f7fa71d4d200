// residual = target - recon, and a row's sums for losses and metrics:
//   stats[r] = (|residual|^2, |target - mean|^2, |recon|^2, target.recon, |target|^2, 0, 0, 0)
// where mean = meanSum * meanFactor. GIVEN: the residual is there already, and recon is what it
// leaves of the target. MASKED: a row with mask 0 has a residual and sums of zero, the mean is over
// the other rows, and the sixth number of those is 1. One thread a row, columns in order.
struct Dims {
  rows: u32,
  d4: u32,
  d: u32,          // columns that count; the padding of target, recon and mean is zero
  meanFactor: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> goal: array<vec4f>;
@group(0) @binding(2) var<storage, read> recon: array<vec4f>;
@group(0) @binding(3) var<storage, read> meanSum: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec4f>;
@group(0) @binding(6) var<storage, read> mask: array<f32>;
@group(0) @binding(7) var<storage, read> step: array<u32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  //#if MASKED
  if (mask[row] == 0.0) {
    for (var j = 0u; j < dims.d4; j++) { residual[row * dims.d4 + j] = vec4f(0.0); }
    stats[row * 2u] = vec4f(0.0);
    stats[row * 2u + 1u] = vec4f(0.0);
    return;
  }
  let meanFactor = 1.0 / (f32(dims.rows) - f32(step[{{LEFT_OUT}}]));
  //#else
  let meanFactor = dims.meanFactor;
  //#end
  var error = vec4f(0.0);
  var spread = vec4f(0.0);
  var size = vec4f(0.0);
  var product = vec4f(0.0);
  var whole = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    let at = row * dims.d4 + j;
    let y = goal[at];
    //#if GIVEN
    let r = residual[at];
    let z = y - r;
    //#else
    let z = recon[at];
    let r = y - z;
    residual[at] = r;
    //#end
    let s = y - meanSum[j] * meanFactor;
    error = fma(r, r, error);
    spread = fma(s, s, spread);
    size = fma(z, z, size);
    product = fma(y, z, product);
    whole = fma(y, y, whole);
  }
  let one = vec4f(1.0);
  stats[row * 2u] = vec4f(dot(error, one), dot(spread, one), dot(size, one), dot(product, one));
  stats[row * 2u + 1u] = vec4f(dot(whole, one), {{MASKED}}.0, 0.0, 0.0);
}
