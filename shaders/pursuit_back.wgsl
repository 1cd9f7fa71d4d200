// The way back through the picks of a row (architectures spec section 7), t from the last to the
// first, with w = W[j] and v of pick t. n is the derivative of the loss by the reconstruction, and
// starts as scale times the last residual:
//   q = n . w;  r = r + v w (the residual before the pick);  share = q r + v n;  n = n - q w
// share is what the pick gives to the gradient of W[j]. It stands in shares at the pick's home,
// the last pick of the same latent, where a row's picks of one latent are added up. At the end,
// back is what of the gradient went through the picks to the input: n at the start less n at the
// end. DIRECT reads w where it is; otherwise shares holds w of every pick before.
// Eight threads own a row.
struct Dims {
  rows: u32,       // rows of this chunk, whose picks shares holds from its start
  firstRow: u32,
  d4: u32,
  capacity: u32,   // picks that a row has room for
  iterations: u32,
  scaleWord: u32,  // place of the factor in scalars
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> order: array<vec4u>;
@group(0) @binding(2) var<storage, read> residual: array<vec4f>;
@group(0) @binding(3) var<storage, read> scalars: array<f32>;
@group(0) @binding(4) var<storage, read> w: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> before: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> back: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> shares: array<vec4f>;

//#use linear_id
//#use sum_eight

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let lane = id % 8u;
  let inside = id / 8u < dims.rows;
  let index = min(id / 8u, dims.rows - 1u);
  let row = dims.firstRow + index;
  let scale = vec4f(scalars[dims.scaleWord]);
  let columns = row * dims.d4;
  if (inside) {
    for (var i = lane; i < dims.d4; i += 8u) {
      before[columns + i] = residual[columns + i];
      back[columns + i] = scale * residual[columns + i];
    }
  }
  for (var t = dims.iterations; t > 0u; t--) {
    let pick = order[row * dims.capacity + t - 1u];
    let value = bitcast<f32>(pick.y);
    let alive = inside && value != 0.0;
    let share = (index * dims.capacity + t - 1u) * dims.d4;
    //#if DIRECT
    let wRow = pick.x * dims.d4;
    //#end
    var sum = vec4f(0.0);
    if (alive) {
      for (var i = lane; i < dims.d4; i += 8u) {
        //#if DIRECT
        sum = fma(back[columns + i], w[wRow + i], sum);
        //#else
        sum = fma(back[columns + i], shares[share + i], sum);
        //#end
      }
    }
    let q = vec4f(sumEight((sum.x + sum.y) + (sum.z + sum.w), local));
    if (alive) {
      let home = (index * dims.capacity + pick.z) * dims.d4;
      for (var i = lane; i < dims.d4; i += 8u) {
        //#if DIRECT
        let weight = w[wRow + i];
        //#else
        let weight = shares[share + i];
        //#end
        let n = back[columns + i];
        let r = fma(vec4f(value), weight, before[columns + i]);
        before[columns + i] = r;
        back[columns + i] = fma(-q, weight, n);
        let given = fma(q, r, value * n);
        if (home == share) { shares[share + i] = given; } else { shares[home + i] += given; }
      }
    }
  }
  if (inside) {
    for (var i = lane; i < dims.d4; i += 8u) {
      back[columns + i] = fma(scale, residual[columns + i], -back[columns + i]);
    }
  }
}
