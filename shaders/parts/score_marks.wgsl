// Marks of scores in up to 32 vec4s: bit j of component c is score c of vec4 j.
// Marks of those before a number of scores.
fn marksBefore(scores: u32) -> vec4u {
  let vecs = (scores + vec4u(3u, 2u, 1u, 0u)) / 4u;
  let some = (vec4u(1u) << (vecs & vec4u(31u))) - vec4u(1u);
  return select(some, vec4u(0xffffffffu), vecs > vec4u(31u));
}

// The first marked score: its vec4 and component. One has to be marked.
fn firstMark(marks: vec4u) -> vec2u {
  let j = firstTrailingBit(marks.x | marks.y | marks.z | marks.w);
  let here = (marks & vec4u(1u << j)) != vec4u(0u);
  return vec2u(j, select(select(select(3u, 2u, here.z), 1u, here.y), 0u, here.x));
}

fn withoutMark(marks: vec4u, at: vec2u) -> vec4u {
  return marks & ~select(vec4u(0u), vec4u(1u << at.x), vec4u(at.y) == vec4u(0u, 1u, 2u, 3u));
}
