// centred[r] = x[r] - bias, the encoder's input.
struct Dims {
  count4: u32,     // vec4s in all
  d4: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> centred: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.count4) { return; }
  centred[id] = x[id] - bias[id % dims.d4];
}
