// Counters of every latent: tokens since it last fired (saturating), tokens on which it fired, and
// whether it is dead. A latent fires on a row when its value there is positive; counts[l] says on
// how many rows of this batch.
struct Dims {
  latents: u32,
  rows: u32,       // tokens of this batch
  deadAfter: u32,  // tokens without firing that make a latent dead
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> sinceFired: array<u32>;
@group(0) @binding(3) var<storage, read_write> fired: array<u32>;
@group(0) @binding(4) var<storage, read_write> dead: array<u32>;

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let latent = linearId(wid, nwg, local, 64u);
  if (latent >= dims.latents) { return; }
  let here = counts[latent];
  let before = sinceFired[latent];
  let longer = before + min(dims.rows, 0xffffffffu - before);
  let since = select(longer, 0u, here > 0u);
  sinceFired[latent] = since;
  fired[latent] += here;
  dead[latent] = select(0u, 1u, since >= dims.deadAfter);
}
