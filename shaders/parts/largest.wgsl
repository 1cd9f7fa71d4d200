// The largest of some numbers and its place, of equal ones the lowest; NONE where there is none.
struct Largest { score: f32, latent: u32 }

const LOWEST = -3.4028234e38;
const NONE = 0xffffffffu;

// From the largest of four columns and the vec4 that each stands in.
fn largestOfFour(top: vec4f, place: vec4u) -> Largest {
  let score = max(max(top.x, top.y), max(top.z, top.w));
  let ids = select(vec4u(NONE), place * 4u + vec4u(0u, 1u, 2u, 3u), place != vec4u(NONE));
  let same = select(vec4u(NONE), ids, top == vec4f(score));
  return Largest(score, min(min(same.x, same.y), min(same.z, same.w)));
}
