// scores[r, l] = dot(x[r], w[l]) + bias[l] for a panel of latents, with SCALED times factors[l]; x
// and w are rows of vec4, both contiguous in d. No workgroup memory: registers beat it on CPU
// adapters, where a barrier is a suspended coroutine. The tile is unrolled in the text, since naga
// guards loops and dynamic indexes. ROWS rows and LANES * 4 latents belong to one thread group.
//   SUBGROUPS: lane i holds 4 latents and 1/LANES of the rows of x; each x value is broadcast.
//              ROWS*4 FMAs need ROWS/LANES + 4 loads a lane, the best ratio that fits registers.
//   otherwise: a thread computes ROWS rows x 4 latents by itself (LANES = 1).
//   TEXELS:    x and w lie in textures, which drivers on CPUs read for all lanes at once; from
//              buffers they read lane by lane, 11 cycles a vec4 where a texel takes 3.
// Rows and latents come in whole tiles: the buffers are padded with zero rows.
struct Dims {
  d4: u32,         // vec4s of a row
  firstLatent: u32, // first latent of the panel, within w
  firstBias: u32,  // its place in bias
  firstFactor: u32, // and in factors
  panel4: u32,     // vec4s of a row of scores
  tiles: u32,      // latent tiles of the panel
  groups: u32,     // tiles in all
}
@group(0) @binding(0) var<uniform> dims: Dims;
//#if TEXELS
@group(0) @binding(1) var x: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var w: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
//#end
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> factors: array<f32>; // used by SCALED
@group(0) @binding(5) var<storage, read_write> scores: array<vec4f>;

//#if TEXELS
//#use texels
fn xAt(i: u32) -> vec4f { return textureLoad(x, texelOf(i)); }
fn wAt(i: u32) -> vec4f { return textureLoad(w, texelOf(i)); }
//#else
fn xAt(i: u32) -> vec4f { return x[i]; }
fn wAt(i: u32) -> vec4f { return w[i]; }
//#end

@compute @workgroup_size({{GROUP}})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let group = wid.x + wid.y * nwg.x;
  //#if SUBGROUPS
  let tile = group;
  let lane = local;
  //#else
  let tile = (group * {{GROUP}}u + local) / {{LANES}}u;
  let lane = (group * {{GROUP}}u + local) % {{LANES}}u;
  //#end
  if (tile >= dims.groups) { return; }
  let rowTile = tile / dims.tiles;
  let latentTile = tile % dims.tiles;
  let d4 = dims.d4;
  let latent = latentTile * {{LANES * 4}}u + lane * 4u;
  let wBase = (dims.firstLatent + latent) * d4;
  let xRow = rowTile * {{ROWS}}u;
  let b = dims.firstBias + latent;
  let start = vec4f(bias[b], bias[b + 1u], bias[b + 2u], bias[b + 3u]);
  //#for r in 0..ROWS
  var acc{{r}} = start;
  //#end
  //#if SUBGROUPS
  //#for i in 0..ROWS / LANES
  let xBase{{i}} = (xRow + {{i * LANES}}u + lane) * d4;
  //#end
  //#else
  //#for r in 0..ROWS
  let xBase{{r}} = (xRow + {{r}}u) * d4;
  //#end
  //#end
  for (var j = 0u; j < d4; j++) {
    let w0 = wAt(wBase + j);
    let w1 = wAt(wBase + d4 + j);
    let w2 = wAt(wBase + 2u * d4 + j);
    let w3 = wAt(wBase + 3u * d4 + j);
    let k0 = vec4f(w0.x, w1.x, w2.x, w3.x);
    let k1 = vec4f(w0.y, w1.y, w2.y, w3.y);
    let k2 = vec4f(w0.z, w1.z, w2.z, w3.z);
    let k3 = vec4f(w0.w, w1.w, w2.w, w3.w);
    //#if SUBGROUPS
    //#for i in 0..ROWS / LANES
    let a{{i}} = xAt(xBase{{i}} + j);
    //#end
    //#for r in 0..ROWS
    acc{{r}} = fma(vec4f(subgroupBroadcast(a{{r / LANES}}.x, {{r % LANES}}u)), k0, acc{{r}});
    acc{{r}} = fma(vec4f(subgroupBroadcast(a{{r / LANES}}.y, {{r % LANES}}u)), k1, acc{{r}});
    acc{{r}} = fma(vec4f(subgroupBroadcast(a{{r / LANES}}.z, {{r % LANES}}u)), k2, acc{{r}});
    acc{{r}} = fma(vec4f(subgroupBroadcast(a{{r / LANES}}.w, {{r % LANES}}u)), k3, acc{{r}});
    //#end
    //#else
    //#for r in 0..ROWS
    let a{{r}} = xAt(xBase{{r}} + j);
    acc{{r}} = fma(vec4f(a{{r}}.x), k0, acc{{r}});
    acc{{r}} = fma(vec4f(a{{r}}.y), k1, acc{{r}});
    acc{{r}} = fma(vec4f(a{{r}}.z), k2, acc{{r}});
    acc{{r}} = fma(vec4f(a{{r}}.w), k3, acc{{r}});
    //#end
    //#end
  }
  let out = xRow * dims.panel4 + latent / 4u;
  //#if SCALED
  let f = dims.firstFactor + latent;
  let factor = vec4f(factors[f], factors[f + 1u], factors[f + 2u], factors[f + 3u]);
  //#end
  //#for r in 0..ROWS
  //#if SCALED
  scores[out + {{r}}u * dims.panel4] = acc{{r}} * factor;
  //#else
  scores[out + {{r}}u * dims.panel4] = acc{{r}};
  //#end
  //#end
}
