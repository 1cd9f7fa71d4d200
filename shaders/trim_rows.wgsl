// Cuts each list of more than `most` entries back to the `keep` largest values, equal ones to the
// lowest latents, in place and in order; the row's floor becomes the smallest value kept, and only
// what exceeds it may be appended later. So the end is the `keep` largest of all, whatever was
// appended between two cuts. Values are not negative: their bits order as they do. A floor of -1
// stands for a row that was not cut.
// One thread a row. Four bits of the smallest value kept are found a pass, by counting how many
// values reach each of 15 probes; counters are registers.
struct Dims {
  rows: u32,
  most: u32,
  keep: u32,
  first: u32,      // 1 where no list was cut before: floors are set to -1
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> floors: array<f32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  if (dims.first == 1u) { floors[row] = -1.0; }
  let span = spans[row];
  if (span.y - span.x <= dims.most) { return; }
  var least = 0u;
  var above = 0u;
  for (var shift = 32u; shift > 0u;) {
    shift -= 4u;
    //#for p in 1..16
    let probe{{p}} = least | ({{p}}u << shift);
    var n{{p}} = 0u;
    //#end
    for (var e = span.x; e < span.y; e++) {
      let bits = entries[e].y;
      //#for p in 1..16
      n{{p}} += select(0u, 1u, bits >= probe{{p}});
      //#end
    }
    // The highest probe that enough values reach; `above` is how many reach the next.
    var found = least;
    //#for p in 1..16
    if (n{{p}} >= dims.keep) { found = probe{{p}}; }
    //#end
    //#for q in 1..16
    //#for p in 16 - q..17 - q
    if (n{{p}} < dims.keep) { above = n{{p}}; }
    //#end
    //#end
    least = found;
  }
  var ties = dims.keep - above;
  var to = span.x;
  for (var e = span.x; e < span.y; e++) {
    let entry = entries[e];
    let equal = entry.y == least;
    if (entry.y > least || (equal && ties > 0u)) {
      entries[to] = entry;
      to++;
      ties -= select(0u, 1u, equal);
    }
  }
  spans[row] = vec2u(span.x, to);
  floors[row] = bitcast<f32>(least);
}
