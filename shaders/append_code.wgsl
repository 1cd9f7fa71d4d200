// Appends to every row of a code the entries of another, whose latents count from firstLatent on.
// What is appended in ascending order stays ascending. The first one empties the rows. One thread a
// row.
struct Dims {
  rows: u32,
  capacity: u32,    // most entries of a row of the joined code
  firstLatent: u32,
  first: u32,       // 1: rows are empty before
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> joinedSpans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> joined: array<vec2u>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let base = row * dims.capacity;
  let span = spans[row];
  var end = base;
  if (dims.first == 0u) { end = joinedSpans[row].y; }
  for (var e = span.x; e < span.y; e++) {
    let entry = entries[e];
    joined[end] = vec2u(entry.x + dims.firstLatent, entry.y);
    end++;
  }
  joinedSpans[row] = vec2u(base, end);
}
