// scores[r, l] *= factors[l] for a panel of latents; with MAPPED, factors[map[l]]; with VEC the
// panel begins at a multiple of four latents. One thread four latents of a row.
struct Dims {
  rows: u32,
  panel4: u32,     // vec4s of a row of scores
  width4: u32,     // of which these are scaled
  firstLatent: u32,
  last: u32,       // last latent with a factor
}
@group(0) @binding(0) var<uniform> dims: Dims;
//#if VEC
@group(0) @binding(1) var<storage, read> factors: array<vec4f>;
//#else
@group(0) @binding(1) var<storage, read> factors: array<f32>;
//#end
@group(0) @binding(2) var<storage, read> map: array<u32>;
@group(0) @binding(3) var<storage, read_write> scores: array<vec4f>;

//#use linear_id

//#if VEC
fn four(l: u32) -> vec4f { return factors[l / 4u]; }
//#else
fn factor(latent: u32) -> f32 {
  //#if MAPPED
  return factors[map[min(latent, dims.last)]];
  //#else
  return factors[min(latent, dims.last)];
  //#end
}

fn four(l: u32) -> vec4f {
  return vec4f(factor(l), factor(l + 1u), factor(l + 2u), factor(l + 3u));
}
//#end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.width4;
  if (row >= dims.rows) { return; }
  let col = id % dims.width4;
  let at = row * dims.panel4 + col;
  scores[at] *= four(dims.firstLatent + col * 4u);
}
