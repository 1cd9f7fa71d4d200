// What is left of every row after the latents below each of several bounds, in one walk over its
// entries, which ascend by latent:
//   rest[g, r] = start[r] - sum over the entries of r with latent < bound[g] of value * w[latent]
//   suffix[g, r] = sum over g' >= g of weight[g'] * rest[g', r]
//   residual[r] = rest[PREFIXES - 1, r]
//   squares[r, thread, g] = the thread's part of |rest[g, r]|^2
// start is the target less the bias; a bound of 0 is the start itself, the last bound is beyond
// all latents. One thread owns COLUMNS vec4s of a row and keeps its rests in registers. A matrix
// in several buffers is one dispatch a buffer: the walk goes on from `residual` (not FIRST), and
// a rest waits in its place of `suffix` until all are known (LAST). W_TEXELS: w lies in a texture.
struct Dims {
  rows: u32,
  d4: u32,
  threads: u32,     // threads of a row: ceil(d4 / COLUMNS)
  firstLatent: u32, // first latent of this buffer
  latents: u32,     // latents of this buffer
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
//#if W_TEXELS
@group(0) @binding(3) var w: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(3) var<storage, read> w: array<vec4f>;
//#end
@group(0) @binding(4) var<storage, read> start: array<vec4f>;
@group(0) @binding(5) var<storage, read> table: array<vec2u>; // (bound, bits of the weight)
@group(0) @binding(6) var<storage, read_write> suffix: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> residual: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> squares: array<vec4f>;

//#use linear_id
//#use texels

//#if W_TEXELS
fn wAt(i: u32) -> vec4f { return textureLoad(w, texelOf(i)); }
//#else
fn wAt(i: u32) -> vec4f { return w[i]; }
//#end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let row = id / dims.threads;
  if (row >= dims.rows) { return; }
  let first = id % dims.threads;
  //#for c in 0..COLUMNS
  //#if NEAR
  let place{{c}} = first * {{COLUMNS}}u + {{c}}u;
  //#else
  let place{{c}} = first + {{c}}u * dims.threads;
  //#end
  let own{{c}} = place{{c}} < dims.d4;
  let col{{c}} = min(place{{c}}, dims.d4 - 1u);
  //#if FIRST
  var acc{{c}} = start[row * dims.d4 + col{{c}}];
  //#else
  var acc{{c}} = residual[row * dims.d4 + col{{c}}];
  //#end
  //#end
  let span = spans[row];
  var e = span.x;
  //#for g in 0..PREFIXES
  let bound{{g}} = table[{{g}}].x;
  for (; e < span.y; e++) {
    let entry = entries[e];
    if (entry.x >= bound{{g}}) { break; }
    let latent = entry.x - dims.firstLatent;
    if (latent < dims.latents) {
      let value = vec4f(-bitcast<f32>(entry.y));
      let base = latent * dims.d4;
      //#for c in 0..COLUMNS
      acc{{c}} = fma(value, wAt(base + col{{c}}), acc{{c}});
      //#end
    }
  }
  let at{{g}} = ({{g}}u * dims.rows + row) * dims.d4;
  //#for c in 0..COLUMNS
  //#if FIRST
  let rest{{g}}_{{c}} = acc{{c}};
  //#else
  var rest{{g}}_{{c}} = acc{{c}};
  if (bound{{g}} <= dims.firstLatent) { rest{{g}}_{{c}} = suffix[at{{g}} + col{{c}}]; }
  //#end
  //#if !LAST
  if (own{{c}} && bound{{g}} <= dims.firstLatent + dims.latents) {
    suffix[at{{g}} + col{{c}}] = rest{{g}}_{{c}};
  }
  //#end
  //#end
  //#end
  //#for c in 0..COLUMNS
  if (own{{c}}) { residual[row * dims.d4 + col{{c}}] = acc{{c}}; }
  //#if LAST
  var sum{{c}} = vec4f(0.0);
  //#end
  //#end
  //#if LAST
  //#for i in 0..PREFIXES
  let weight{{i}} = vec4f(bitcast<f32>(table[{{PREFIXES - 1 - i}}].y));
  //#for c in 0..COLUMNS
  sum{{c}} = fma(weight{{i}}, rest{{PREFIXES - 1 - i}}_{{c}}, sum{{c}});
  if (own{{c}}) { suffix[at{{PREFIXES - 1 - i}} + col{{c}}] = sum{{c}}; }
  //#end
  //#end
  //#for g in 0..QUADS * 4
  var square{{g}} = 0.0;
  //#end
  //#for g in 0..PREFIXES
  //#for c in 0..COLUMNS
  square{{g}} += select(0.0, dot(rest{{g}}_{{c}}, rest{{g}}_{{c}}), own{{c}});
  //#end
  //#end
  //#for q in 0..QUADS
  squares[id * {{QUADS}}u + {{q}}u] = vec4f(square{{q * 4}}, square{{q * 4 + 1}},
                                           square{{q * 4 + 2}}, square{{q * 4 + 3}});
  //#end
  //#end
}
