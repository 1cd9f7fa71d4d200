// polynomial = a * I + b * gram, to which the product c * gram * gram is added: one step of
// Newton-Schulz multiplies by the sum. Source: architectures spec section 13.1.
struct Dims {
  count4: u32,     // vec4s of this buffer
  stride4: u32,    // vec4s of a row
  firstRow: u32,   // of this buffer
  a: f32,
  b: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> gram: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> polynomial: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.count4) { return; }
  let row = dims.firstRow + id / dims.stride4;
  let column = vec4u(id % dims.stride4 * 4u) + vec4u(0u, 1u, 2u, 3u);
  let diagonal = select(vec4f(0.0), vec4f(dims.a), column == vec4u(row));
  polynomial[id] = fma(vec4f(dims.b), gram[id], diagonal);
}
