// out[i] = exp(values[i]): parameters that are kept as logarithms. One thread a value.
struct Dims {
  count: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = linearId(wid, nwg, local, 64u);
  if (i >= dims.count) { return; }
  out[i] = exp(values[i]);
}
