// momentum = beta * momentum + (1 - beta) * g, then Nesterov's look ahead
// u = (1 - beta) * g + beta * momentum, with g = clip * grad.
// Source: architectures spec section 13.1.
struct Dims {
  count4: u32,     // vec4s
  beta: f32,
  clipWord: u32,   // place of the clip factor in scalars
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;
@group(0) @binding(2) var<storage, read> grad: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> momentum: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> u: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.count4) { return; }
  let fresh = (1.0 - dims.beta) * scalars[dims.clipWord] * grad[id];
  let next = dims.beta * momentum[id] + fresh;
  momentum[id] = next;
  u[id] = dims.beta * next + fresh;
}
