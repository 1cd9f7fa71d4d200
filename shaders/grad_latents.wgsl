// grad[l] = factor * sum over the entries of latent l of weight * rows[row], in order of rows.
// The weight is the entry's value (gradient of W_dec, rows = residual) or its dz (gradient of
// W_enc, rows = centred input); with dz the sum of the weights is the gradient of b_enc. One thread
// owns COLUMNS vec4s of a latent. PREFIXES > 0: every prefix has rows of its own, and a latent
// takes those of the first prefix that has it. PLACED_TEXELS, ROWS_TEXELS: in a texture.
struct Dims {
  latents: u32,    // latents of this dispatch
  d4: u32,
  threads: u32,    // threads of a latent: ceil(d4 / COLUMNS)
  firstLatent: u32,
  scaleWord: u32,  // place of the factor in scalars
  rowsOfPrefix: u32, // used by PREFIXES
  skip: u32,       // rows of grad before the first latent
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
//#if PLACED_TEXELS
@group(0) @binding(2) var placed: texture_storage_2d<rgba32uint, read>;
//#else
@group(0) @binding(2) var<storage, read> placed: array<vec4u>;
//#end
//#if ROWS_TEXELS
@group(0) @binding(3) var rows: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(3) var<storage, read> rows: array<vec4f>;
//#end
@group(0) @binding(4) var<storage, read> scalars: array<f32>;
@group(0) @binding(5) var<storage, read> table: array<vec2u>; // (bound, weight) of the prefixes
@group(0) @binding(6) var<storage, read_write> grad: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> gradBias: array<f32>;

//#use linear_id
//#use texels

//#if PLACED_TEXELS
fn placedAt(i: u32) -> vec4u { return textureLoad(placed, texelOf(i)); }
//#else
fn placedAt(i: u32) -> vec4u { return placed[i]; }
//#end
//#if ROWS_TEXELS
fn rowsAt(i: u32) -> vec4f { return textureLoad(rows, texelOf(i)); }
//#else
fn rowsAt(i: u32) -> vec4f { return rows[i]; }
//#end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let latent = id / dims.threads;
  if (latent >= dims.latents) { return; }
  let first = id % dims.threads;
  let global = dims.firstLatent + latent;
  let begin = offsets[global];
  let to = offsets[global + 1u];
  //#if ADD
  if (begin == to) { return; }
  //#end
  //#for c in 0..COLUMNS
  //#if NEAR
  let place{{c}} = first * {{COLUMNS}}u + {{c}}u;
  //#else
  let place{{c}} = first + {{c}}u * dims.threads;
  //#end
  let col{{c}} = min(place{{c}}, dims.d4 - 1u);
  var acc{{c}} = vec4f(0.0);
  //#end
  //#if PREFIXES
  var prefix = 0u;
  //#for g in 0..PREFIXES - 1
  prefix += select(0u, 1u, global >= table[{{g}}].x);
  //#end
  let block = prefix * dims.rowsOfPrefix * dims.d4;
  //#end
  var bias = 0.0;
  for (var e = begin; e < to; e++) {
    let entry = placedAt(e);
    //#if BY_VALUE
    let weight = bitcast<f32>(entry.y);
    //#else
    let weight = bitcast<f32>(entry.z);
    bias += weight;
    //#end
    //#if PREFIXES
    let base = block + entry.x * dims.d4;
    //#else
    let base = entry.x * dims.d4;
    //#end
    //#for c in 0..COLUMNS
    acc{{c}} = fma(vec4f(weight), rowsAt(base + col{{c}}), acc{{c}});
    //#end
  }
  //#if BY_VALUE
  let factor = vec4f(scalars[dims.scaleWord]);
  //#else
  let factor = vec4f(1.0);
  if (first == 0u) {
    //#if ADD
    gradBias[global] += bias;
    //#else
    gradBias[global] = bias;
    //#end
  }
  //#end
  //#for c in 0..COLUMNS
  if (place{{c}} < dims.d4) {
    let at = (dims.skip + latent) * dims.d4 + col{{c}};
    //#if ADD
    grad[at] += factor * acc{{c}};
    //#else
    grad[at] = factor * acc{{c}};
    //#end
  }
  //#end
}
