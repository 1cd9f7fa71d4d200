// Two values of a score, and whether they pass: JUMP or gated. Reads `params` and `dims`.
// What is the same for all rows: theta; or exp(r), b_gate and b_mag.
struct Shared {
  a: vec4f,
  //#if !JUMP
  b: vec4f,
  c: vec4f,
  //#end
}

struct Pair {
  value1: vec4f,
  value2: vec4f,
  passes1: vec4<bool>,
  passes2: vec4<bool>,
}

fn sharedAt(here: u32) -> Shared {
  let at = dims.firstLatent / 4u + here;
  //#if JUMP
  return Shared(params[at]);
  //#else
  return Shared(exp(params[at]), params[dims.params4 + at], params[2u * dims.params4 + at]);
  //#end
}

fn pairOf(v: vec4f, s: Shared, floor1: f32, floor2: f32) -> Pair {
  //#if JUMP
  let open = (v > s.a) & (v > vec4f(0.0));
  let value1 = v;
  let value2 = select(vec4f(0.0), v, open);
  let passes1 = open;
  let passes2 = (abs(v - s.a) < vec4f(dims.halfWindow)) & (v > vec4f(0.0));
  //#else
  let value1 = fma(s.a, v, s.c);
  let value2 = v + s.b;
  let passes2 = value2 > vec4f(0.0);
  let passes1 = passes2 & (value1 > vec4f(0.0));
  //#end
  return Pair(value1, value2, passes1 & (value1 > vec4f(floor1)),
              passes2 & (value2 > vec4f(floor2)));
}
