// Rotary positions: out = R repeat(x) for every row and head, where repeat writes each number of a
// head `copies` times and R turns pairs of the first `rotary` of them by the row's position.
// ADJACENT: pairs (2i, 2i + 1); otherwise (i, i + rotary / 2).
// INVERSE: out = repeatT RT x, which is the derivative by the input from that by the output.
// One thread a number of out.
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
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> turns: array<vec2f>; // (cos, sin) by position and pair
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

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
