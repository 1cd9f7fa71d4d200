// Of every entry of a code: dz += coefficient / rows * d pen / d value; and of every row the
// penalty itself, without coefficient: values[row]. With u = value * norm of the latent (NORMS) or
// value: L1     sum u NORM   (sum u^p)^(1/p) POWER  sum u^p; values[row].y holds the same sum for
// the exponent that comes next TANH   sum tanh(c u) QUAD   sum over latents of a (1 + a / s), a =
// mean over rows of tanh(c u), known beforehand p below 1 would have an infinite slope at 0: u
// counts as no less than 1e-6. Without VALUES only dz is written (entries that are not the model's
// code), and NORM reads the row's penalty.
// TEAM: a workgroup a row, its sums meet in a tree of fixed shape; otherwise a thread a row.
// Source: architectures spec, sections 1, 4.4, 4.5, 5.
struct Dims {
  rows: u32,
  share: f32,       // 1 / rows of the batch
  word: u32,        // place of the coefficient
  scale: f32,       // c
  frequency: f32,   // s
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> means: array<vec2f>;
@group(0) @binding(5) var<storage, read> coefficients: array<f32>;
@group(0) @binding(6) var<storage, read> step: array<f32>;
@group(0) @binding(7) var<storage, read_write> dz: array<f32>;
@group(0) @binding(8) var<storage, read_write> values: array<vec2f>;

const LEAST = 1e-6;

//#use linear_id
//#if TEAM
var<workgroup> parts: array<vec2f, 64>;

fn meet(part: vec2f, local: u32) -> vec2f {
  parts[local] = part;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { parts[local] += parts[local + half]; }
  }
  workgroupBarrier();
  return parts[0];
}
//#end

fn lengthOf(latent: u32, value: f32) -> vec2f {
  //#if NORMS
  let n = norms[latent];
  return vec2f(value * n, n);
  //#else
  return vec2f(value, 1.0);
  //#end
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  //#if TEAM
  let row = linearId(wid, nwg, 0u, 1u);
  let lane = local;
  //#else
  let row = linearId(wid, nwg, local, 64u);
  let lane = 0u;
  //#end
  if (row >= dims.rows) { return; }
  let span = spans[row];
  let factor = coefficients[dims.word] * dims.share;
  var sum = vec2f(0.0);
  //#if NORM
  let p = step[{{EXPONENT}}];
  //#if VALUES
  for (var e = span.x + lane; e < span.y; e += {{STRIDE}}u) {
    let entry = entries[e];
    sum.x += pow(max(lengthOf(entry.x, bitcast<f32>(entry.y)).x, LEAST), p);
  }
  //#if TEAM
  sum = meet(sum, local);
  //#end
  let whole = select(0.0, pow(sum.x, 1.0 / p), span.y > span.x);
  //#else
  let whole = values[row].x;
  //#end
  let rowFactor = select(0.0, pow(max(whole, LEAST), 1.0 - p), whole > 0.0);
  //#end
  //#if POWER
  let p = step[{{EXPONENT}}];
  let next = step[{{NEXT_EXPONENT}}];
  //#end
  for (var e = span.x + lane; e < span.y; e += {{STRIDE}}u) {
    let entry = entries[e];
    let u = lengthOf(entry.x, bitcast<f32>(entry.y));
    //#if L1
    let slope = 1.0;
    sum.x += u.x;
    //#end
    //#if NORM
    let slope = rowFactor * pow(max(u.x, LEAST), p - 1.0);
    //#end
    //#if POWER
    let large = max(u.x, LEAST);
    let slope = p * pow(large, p - 1.0);
    sum += vec2f(pow(large, p), pow(large, next));
    //#end
    //#if SOFT
    // exp of a number that is not positive: no overflow, unlike a built-in tanh may have.
    let t = exp(-2.0 * dims.scale * u.x);
    let steep = 4.0 * dims.scale * t / ((1.0 + t) * (1.0 + t));
    //#if QUAD
    let slope = steep * (1.0 + 2.0 * means[entry.x].x / dims.frequency);
    //#else
    let slope = steep;
    sum.x += (1.0 - t) / (1.0 + t);
    //#end
    //#end
    dz[e] = fma(factor * u.y, slope, dz[e]);
  }
  //#if VALUES
  //#if NORM
  if (lane == 0u) { values[row] = vec2f(whole, 0.0); }
  //#else
  //#if TEAM
  sum = meet(sum, local);
  //#end
  if (lane == 0u) { values[row] = sum; }
  //#end
  //#end
}
