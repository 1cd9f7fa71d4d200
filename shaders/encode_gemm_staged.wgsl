// The scores of encode_gemm for hardware adapters: both operands are staged in workgroup memory,
// so that a value from memory is used 64 times. A workgroup owns 64 rows x 64 latents, a thread 8
// rows x VECS vec4s of latents (128 threads or 64); 16 columns of d at a time lie k-major in the
// tiles, so that a thread's rows and latents are whole vec4s. A 4 x 4 block is staged at a time:
// blocks 0..63 are of x, 64..127 of w.
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
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> factors: array<f32>; // used by SCALED
@group(0) @binding(5) var<storage, read_write> scores: array<vec4f>;

var<workgroup> tileX: array<vec4f, 256>;
var<workgroup> tileW: array<vec4f, 256>;

const THREADS = {{128 / VECS}}u;
const ACROSS = {{16 / VECS}}u;   // threads along the latents

@compute @workgroup_size({{128 / VECS}})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let tile = wid.x + wid.y * nwg.x;
  let rowTile = tile / dims.tiles;
  let latentTile = tile % dims.tiles;
  let d4 = dims.d4;
  let inside = tile < dims.groups;
  let across = local % ACROSS;
  let down = local / ACROSS;

  // What this thread stages: rows 4g .. 4g+3 of an operand, columns 4c .. 4c+3 of the stage.
  //#for s in 0..VECS
  let half{{s}} = (local + {{s}}u * THREADS) % 64u;
  let block{{s}} = half{{s}} / 4u;
  let column{{s}} = half{{s}} % 4u;
  let stagesX{{s}} = local + {{s}}u * THREADS < 64u;
  let firstRow{{s}} = block{{s}} * 4u
    + select(dims.firstLatent + latentTile * 64u, rowTile * 64u, stagesX{{s}});
  //#end

  //#for c in 0..VECS
  let b{{c}} = dims.firstBias + latentTile * 64u + (across + {{c}}u * ACROSS) * 4u;
  let start{{c}} = vec4f(bias[b{{c}}], bias[b{{c}} + 1u], bias[b{{c}} + 2u], bias[b{{c}} + 3u]);
  //#for r in 0..8
  var acc{{c}}_{{r}} = start{{c}};
  //#end
  //#end
  for (var j = 0u; j < d4; j += 4u) {
    //#for s in 0..VECS
    let at{{s}} = j + column{{s}};
    //#for i in 0..4
    var v{{s}}_{{i}} = vec4f(0.0);
    //#end
    if (inside && at{{s}} < d4) {
      if (stagesX{{s}}) {
        //#for i in 0..4
        v{{s}}_{{i}} = x[(firstRow{{s}} + {{i}}u) * d4 + at{{s}}];
        //#end
      } else {
        //#for i in 0..4
        v{{s}}_{{i}} = w[(firstRow{{s}} + {{i}}u) * d4 + at{{s}}];
        //#end
      }
    }
    //#end
    workgroupBarrier();
    //#for s in 0..VECS
    //#for k in 0..4
    let turned{{s}}_{{k}} =
      vec4f(v{{s}}_0[{{k}}], v{{s}}_1[{{k}}], v{{s}}_2[{{k}}], v{{s}}_3[{{k}}]);
    let place{{s}}_{{k}} = (column{{s}} * 4u + {{k}}u) * 16u + block{{s}};
    if (stagesX{{s}}) {
      tileX[place{{s}}_{{k}}] = turned{{s}}_{{k}};
    } else {
      tileW[place{{s}}_{{k}}] = turned{{s}}_{{k}};
    }
    //#end
    //#end
    workgroupBarrier();
    //#for k in 0..16
    let p{{k}} = tileX[{{k * 16}}u + down * 2u];
    let q{{k}} = tileX[{{k * 16}}u + down * 2u + 1u];
    //#for c in 0..VECS
    let u{{k}}_{{c}} = tileW[{{k * 16}}u + across + {{c}}u * ACROSS];
    //#for r in 0..4
    acc{{c}}_{{r}} = fma(vec4f(p{{k}}[{{r}}]), u{{k}}_{{c}}, acc{{c}}_{{r}});
    acc{{c}}_{{r + 4}} = fma(vec4f(q{{k}}[{{r}}]), u{{k}}_{{c}}, acc{{c}}_{{r + 4}});
    //#end
    //#end
    //#end
  }
  if (inside) {
    //#for c in 0..VECS
    let out{{c}} = (rowTile * 64u + down * 8u) * dims.panel4 + latentTile * 16u + across
      + {{c}}u * ACROSS;
    //#if SCALED
    let f{{c}} = dims.firstFactor + b{{c}} - dims.firstBias;
    let factor{{c}} = vec4f(factors[f{{c}}], factors[f{{c}} + 1u], factors[f{{c}} + 2u],
                            factors[f{{c}} + 3u]);
    //#end
    //#for r in 0..8
    //#if SCALED
    scores[out{{c}} + {{r}}u * dims.panel4] = acc{{c}}_{{r}} * factor{{c}};
    //#else
    scores[out{{c}} + {{r}}u * dims.panel4] = acc{{c}}_{{r}};
    //#end
    //#end
    //#end
  }
}
