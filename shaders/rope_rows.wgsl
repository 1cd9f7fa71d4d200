// Rotary positions: out = R repeat(x) for every row and head, where repeat writes each number of a
// head `copies` times and R turns pairs of the first `rotary` of them by the row's position.
// ADJACENT: pairs (2i, 2i + 1); otherwise (i, i + rotary / 2).
// INVERSE: out = repeatT RT x, which is the derivative by the input from that by the output.
// One thread a number of out; with VEC four of them, where sizes allow it and nothing is repeated.
struct Dims {
  rows: u32,
  length: u32,     // rows of a sequence
  heads: u32,
  width: u32,      // numbers of a head before they are repeated
  copies: u32,
  rotary: u32,
  wideStride: u32, // floats of a row after repeating
  stride: u32,     // before
}
@group(0) @binding(0) var<uniform> dims: Dims;
//#if VEC
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> turns: array<vec4f>; // two pairs each
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
//#else
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> turns: array<vec2f>; // (cos, sin) by position and pair
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
//#end

//#use linear_id

// The pair of number j of a repeated head, its partner, and whether it is the pair's first.
struct Place { pair: u32, partner: u32, first: bool }

fn placeOf(j: u32) -> Place {
  let half = dims.rotary / 2u;
  //#if ADJACENT
  return Place(j / 2u, j ^ 1u, j % 2u == 0u);
  //#else
  return Place(j % half, select(j - half, j + half, j < half), j < half);
  //#end
}

//#if VEC
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let each = dims.width / 4u;
  let row = id / (dims.heads * each);
  if (row >= dims.rows) { return; }
  let head = id / each % dims.heads;
  let i = id % each;
  let half = dims.rotary / 2u;
  let position = row % dims.length * half;
  let place = head * each + i;
  //#if INVERSE
  let base = row * (dims.wideStride / 4u) + place;
  let to = row * (dims.stride / 4u) + place;
  let sign = -1.0;
  //#else
  let base = row * (dims.stride / 4u) + place;
  let to = row * (dims.wideStride / 4u) + place;
  let sign = 1.0;
  //#end
  var value = x[base];
  if (i * 4u < dims.rotary) {
    //#if ADJACENT
    let t = turns[(position + i * 2u) / 2u];
    value = value * t.xxzz + value.yxwz * (vec4f(-sign, sign, -sign, sign) * t.yyww);
    //#else
    let first = i * 4u < half;
    let pair = (position + i * 4u % half) / 2u;
    let t = turns[pair];
    let u = turns[pair + 1u];
    let other = x[select(base - half / 4u, base + half / 4u, first)];
    let across = select(sign, -sign, first) * vec4f(t.y, t.w, u.y, u.w);
    value = value * vec4f(t.x, t.z, u.x, u.z) + other * across;
    //#end
  }
  out[to] = value;
}
//#else
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  //#if INVERSE
  let each = dims.width;
  //#else
  let each = dims.width * dims.copies;
  //#end
  let row = id / (dims.heads * each);
  if (row >= dims.rows) { return; }
  let head = id / each % dims.heads;
  let i = id % each;
  let position = row % dims.length * (dims.rotary / 2u);
  //#if INVERSE
  let base = row * dims.wideStride + head * dims.width * dims.copies;
  var sum = 0.0;
  for (var c = 0u; c < dims.copies; c++) {
    let j = i * dims.copies + c;
    if (j < dims.rotary) {
      let place = placeOf(j);
      let turn = turns[position + place.pair];
      let across = select(-turn.y, turn.y, place.first);
      sum += x[base + j] * turn.x + x[base + place.partner] * across;
    } else {
      sum += x[base + j];
    }
  }
  out[row * dims.stride + head * dims.width + i] = sum;
  //#else
  let base = row * dims.stride + head * dims.width;
  var value = x[base + i / dims.copies];
  if (i < dims.rotary) {
    let place = placeOf(i);
    let turn = turns[position + place.pair];
    let across = select(turn.y, -turn.y, place.first);
    value = value * turn.x + x[base + place.partner / dims.copies] * across;
  }
  out[row * dims.wideStride + head * dims.width * dims.copies + i] = value;
  //#end
}
//#end
