// Which of a list of dispatches have work: number i runs with grid[i].xyz when count[place] >
// grid[i].w, else with no groups. So a step never has to ask the GPU how many latents are dead.
struct Dims {
  dispatches: u32,
  place: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> grid: array<vec4u>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> indirect: array<vec4u>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  if (id >= dims.dispatches) { return; }
  let g = grid[id];
  let runs = count[dims.place] > g.w;
  indirect[id] = vec4u(select(0u, g.x, runs), select(0u, g.y, runs), select(0u, g.z, runs), 0u);
}
