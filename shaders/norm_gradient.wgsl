// From the gradient by a row w / |w| to the gradient by w: grad = (grad - (grad . u) u) / |w| with
// u = w / |w|. A zero row gets a zero gradient. One thread a row.
struct Dims {
  rows: u32,
  d4: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> grad: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.d4;
  var along = vec4f(0.0);
  var norm = vec4f(0.0);
  for (var j = 0u; j < dims.d4; j++) {
    let v = w[base + j];
    along = fma(v, grad[base + j], along);
    norm = fma(v, v, norm);
  }
  let square = (norm.x + norm.y) + (norm.z + norm.w);
  let some = square > 0.0;
  let inverse = select(0.0, 1.0 / sqrt(square), some);
  let share = select(0.0, ((along.x + along.y) + (along.z + along.w)) / square, some);
  for (var j = 0u; j < dims.d4; j++) {
    grad[base + j] = vec4f(inverse) * fma(vec4f(-share), w[base + j], grad[base + j]);
  }
}
