// Scores of latents (or rows, BY_ROW) that are not flagged become so low that no gate lets them
// through, in place. One thread a vec4 of a row.
struct Dims {
  rows: u32,
  panel4: u32,     // vec4s of a row of scores
  firstLatent: u32, // of the panel
  latents: u32,    // of the panel, without padding
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> flags: array<u32>;
@group(0) @binding(2) var<storage, read_write> scores: array<vec4f>;

const EMPTY = -3.4028234e38;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.rows * dims.panel4) { return; }
  //#if BY_ROW
  if (flags[id / dims.panel4] == 0u) { scores[id] = vec4f(EMPTY); }
  //#else
  let column = id % dims.panel4 * 4u;
  var v = scores[id];
  //#for c in 0..4
  let place{{c}} = dims.firstLatent + min(column + {{c}}u, dims.latents - 1u);
  if (column + {{c}}u >= dims.latents || flags[place{{c}}] == 0u) { v[{{c}}] = EMPTY; }
  //#end
  scores[id] = v;
  //#end
}
