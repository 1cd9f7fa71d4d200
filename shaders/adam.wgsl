// Adam with bias correction: m = b1 m + (1-b1) g, v = b2 v + (1-b2) g^2,
// p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), with g = clip * grad.
//   DECAY: first p *= 1 - lr * decay (AdamW).
//   SPARSE: where g = 0 the moments decay and p stays; eps stands beside the uncorrected root.
//   NON_NEGATIVE: at last p = max(p, 0).
// Source: architectures spec section 13.1. The factors of the step come from the host in float32.
struct Dims {
  count4: u32,     // vec4s
  beta1: f32,
  beta2: f32,
  eps: f32,
  clipWord: u32,   // place of the clip factor in scalars
  lrFactor: f32,
  decay: f32,      // used by DECAY
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<f32>;
@group(0) @binding(2) var<storage, read> scalars: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> moment1: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> moment2: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.count4) { return; }
  let g = scalars[dims.clipWord] * grad[id];
  let m = dims.beta1 * moment1[id] + (1.0 - dims.beta1) * g;
  let v = dims.beta2 * moment2[id] + (1.0 - dims.beta2) * g * g;
  moment1[id] = m;
  moment2[id] = v;
  let lr = dims.lrFactor * step[{{LR_WORD}}];
  var p = parameter[id];
  //#if DECAY
  p *= 1.0 - lr * dims.decay;
  //#end
  //#if SPARSE
  let size = lr * step[{{CORRECTION1_WORD}}] / sqrt(step[{{CORRECTION2_WORD}}]);
  p = select(p - size * m / (sqrt(v) + dims.eps), p, g == vec4f(0.0));
  //#else
  let mHat = m * step[{{CORRECTION1_WORD}}];
  let vHat = v * step[{{CORRECTION2_WORD}}];
  p -= lr * mHat / (sqrt(vHat) + dims.eps);
  //#end
  //#if NON_NEGATIVE
  p = max(p, vec4f(0.0));
  //#end
  parameter[id] = p;
}
