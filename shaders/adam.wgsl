// Adam with bias correction: m = b1 m + (1-b1) g, v = b2 v + (1-b2) g^2,
// p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), with g = clip * grad.
//   DECAY: first p *= 1 - lr * decay (AdamW).
//   SPARSE: where g = 0 the moments decay and p stays; eps stands beside the uncorrected root.
//   NON_NEGATIVE: at last p = max(p, 0).
// Source: architectures spec section 13.1. The factors of the step come from the host in float32.
// A thread has EACH neighbouring vec4s. What is the same for all threads stands before any branch,
// at places that the text knows: there a software adapter reads it once for all lanes.
struct Dims {
  count4: u32,     // vec4s
  beta1: f32,
  beta2: f32,
  eps: f32,
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
  let clip = scalars[{{CLIP_WORD}}];
  let lr = dims.lrFactor * step[{{LR_WORD}}];
  let correction1 = step[{{CORRECTION1_WORD}}];
  let correction2 = step[{{CORRECTION2_WORD}}];
  let first = linearId(wid, nwg, local, 64u) * {{EACH}}u;
  //#for i in 0..EACH
  let id{{i}} = first + {{i}}u;
  if (id{{i}} < dims.count4) {
    let g = clip * grad[id{{i}}];
    let m = dims.beta1 * moment1[id{{i}}] + (1.0 - dims.beta1) * g;
    let v = dims.beta2 * moment2[id{{i}}] + (1.0 - dims.beta2) * g * g;
    moment1[id{{i}}] = m;
    moment2[id{{i}}] = v;
    var p = parameter[id{{i}}];
    //#if DECAY
    p *= 1.0 - lr * dims.decay;
    //#end
    //#if SPARSE
    let size = lr * correction1 / sqrt(correction2);
    p = select(p - size * m / (sqrt(v) + dims.eps), p, g == vec4f(0.0));
    //#else
    let mHat = m * correction1;
    let vHat = v * correction2;
    p -= lr * mHat / (sqrt(vHat) + dims.eps);
    //#end
    //#if NON_NEGATIVE
    p = max(p, vec4f(0.0));
    //#end
    parameter[id{{i}}] = p;
  }
  //#end
}
