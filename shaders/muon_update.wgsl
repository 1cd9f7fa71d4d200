// p = p * (1 - lr * decay) - lr * factor * direction; with NON_NEGATIVE at last p = max(p, 0).
// Source: architectures spec section 13.1.
struct Dims {
  count4: u32,     // vec4s
  lrFactor: f32,
  decay: f32,
  factor: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<f32>;
@group(0) @binding(2) var<storage, read> direction: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parameter: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.count4) { return; }
  let lr = dims.lrFactor * step[{{LR_WORD}}];
  var p = parameter[id] * (1.0 - lr * dims.decay) - lr * dims.factor * direction[id];
  //#if NON_NEGATIVE
  p = max(p, vec4f(0.0));
  //#end
  parameter[id] = p;
}
