// Keeps of each row's entries those above a value that was found for the whole batch, and as many
// of the equal ones as it needs, the first in order of rows and latents; in place, order kept.
//   COUNT: ties[row] = entries of the row that are equal to it, for a scan; where all equal ones
//          are needed none has to be counted. else:  a row takes its equal entries while fewer
//          than needed come before them.
struct Dims {
  rows: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read_write> ties: array<u32>;
@group(0) @binding(3) var<storage, read_write> spans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> entries: array<vec2u>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let row = linearId(wid, nwg, local, 64u);
  if (row >= dims.rows) { return; }
  let span = spans[row];
  let bar = found[{{PREFIX}}];
  //#if COUNT
  var n = 0u;
  if (found[{{REMAINING}}] < found[{{TIES}}]) {
    for (var e = span.x; e < span.y; e++) { n += select(0u, 1u, entries[e].y == bar); }
  }
  ties[row] = n;
  //#else
  // Not counted where all are needed: then every row may take its own.
  var open = found[{{REMAINING}}] - min(found[{{REMAINING}}], ties[row]);
  var to = span.x;
  for (var e = span.x; e < span.y; e++) {
    let entry = entries[e];
    let equal = entry.y == bar;
    if (entry.y > bar || (equal && open > 0u)) {
      entries[to] = entry;
      to++;
      open -= select(0u, 1u, equal);
    }
  }
  spans[row] = vec2u(span.x, to);
  //#end
}
