// Sign descent under the schedule-free average. The parameter is y, where gradients are taken; z is
// what descends, x its running average, which is what a finished dictionary is made of.
//   DESCEND: z -= lr * sign(grad), x = (1 - c) x + c z. The first step, c = 1, begins at y.
//   BLEND:   y = beta x + (1 - beta) z. Together with DESCEND, or alone after rows were scaled.
//   SHOW:    y = x, until the next BLEND.
//   NON_NEGATIVE: z = max(z, 0) after its step; x and y follow.
// Products stand in fma, so that a compiler cannot round the same line in two ways. Before the
// first step BLEND and SHOW change nothing. Source: architectures spec section 13.1. A thread has
// EACH neighbouring vec4s; what is the same for all threads stands before any branch, see adam.
struct Dims {
  count4: u32,     // vec4s
  lrFactor: f32,
  beta: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> step: array<f32>;
@group(0) @binding(2) var<storage, read> average: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> z: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> x: array<vec4f>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let steps = average[{{STEPS}}];
  let share = vec4f(average[{{SHARE}}]);
  let lr = dims.lrFactor * step[{{LR_WORD}}];
  let first = linearId(wid, nwg, local, 64u) * {{EACH}}u;
  //#for i in 0..EACH
  let id{{i}} = first + {{i}}u;
  if (id{{i}} < dims.count4 && steps > 0.0) {
    //#if SHOW
    y[id{{i}}] = x[id{{i}}];
    //#else
    //#if DESCEND
    var start = z[id{{i}}];
    if (steps == 1.0) { start = y[id{{i}}]; }
    var low = fma(vec4f(-lr), sign(grad[id{{i}}]), start);
    //#if NON_NEGATIVE
    low = max(low, vec4f(0.0));
    //#end
    let rest = (1.0 - share) * x[id{{i}}];
    let mean = fma(share, low, rest);
    z[id{{i}}] = low;
    x[id{{i}}] = mean;
    //#else
    let low = z[id{{i}}];
    let mean = x[id{{i}}];
    //#end
    //#if BLEND
    y[id{{i}}] = fma(vec4f(dims.beta), mean, (1.0 - dims.beta) * low);
    //#end
    //#end
  }
  //#end
}
