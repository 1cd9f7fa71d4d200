// The scores of encode_gemm for hardware adapters: both operands are staged in workgroup memory,
// so that a value from memory is used 64 times. A workgroup of 128 threads owns 64 rows x 64
// latents, a thread 8 rows x 4 latents; 16 columns of d at a time lie k-major in the tiles, so that
// a thread's rows and latents are whole vec4s. Threads 0..63 stage x, the others w, a 4 x 4 block
// each.
struct Dims {
  d4: u32,         // vec4s of a row
  firstLatent: u32, // first latent of the panel, within w
  firstBias: u32,  // its place in bias
  panel4: u32,     // vec4s of a row of scores
  tiles: u32,      // latent tiles of the panel
  groups: u32,     // tiles in all
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> scores: array<vec4f>;

var<workgroup> tileX: array<vec4f, 256>;
var<workgroup> tileW: array<vec4f, 256>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let tile = wid.x + wid.y * nwg.x;
  let rowTile = tile / dims.tiles;
  let latentTile = tile % dims.tiles;
  let d4 = dims.d4;
  let inside = tile < dims.groups;
  let across = local % 16u;
  let down = local / 16u;

  // What this thread stages: rows 4g .. 4g+3 of its operand, columns 4c .. 4c+3 of the stage.
  let half = local % 64u;
  let block = half / 4u;
  let column = half % 4u;
  let stagesX = local < 64u;
  let firstRow = select(dims.firstLatent + latentTile * 64u, rowTile * 64u, stagesX) + block * 4u;

  let b = dims.firstBias + latentTile * 64u + across * 4u;
  let start = vec4f(bias[b], bias[b + 1u], bias[b + 2u], bias[b + 3u]);
  //#for r in 0..8
  var acc{{r}} = start;
  //#end
  for (var j = 0u; j < d4; j += 4u) {
    let at = j + column;
    //#for i in 0..4
    var v{{i}} = vec4f(0.0);
    //#end
    if (inside && at < d4) {
      if (stagesX) {
        //#for i in 0..4
        v{{i}} = x[(firstRow + {{i}}u) * d4 + at];
        //#end
      } else {
        //#for i in 0..4
        v{{i}} = w[(firstRow + {{i}}u) * d4 + at];
        //#end
      }
    }
    workgroupBarrier();
    //#for k in 0..4
    let turned{{k}} = vec4f(v0[{{k}}], v1[{{k}}], v2[{{k}}], v3[{{k}}]);
    let place{{k}} = (column * 4u + {{k}}u) * 16u + block;
    if (stagesX) { tileX[place{{k}}] = turned{{k}}; } else { tileW[place{{k}}] = turned{{k}}; }
    //#end
    workgroupBarrier();
    //#for k in 0..16
    let p{{k}} = tileX[{{k * 16}}u + down * 2u];
    let q{{k}} = tileX[{{k * 16}}u + down * 2u + 1u];
    let u{{k}} = tileW[{{k * 16}}u + across];
    //#for r in 0..4
    acc{{r}} = fma(vec4f(p{{k}}[{{r}}]), u{{k}}, acc{{r}});
    acc{{r + 4}} = fma(vec4f(q{{k}}[{{r}}]), u{{k}}, acc{{r + 4}});
    //#end
    //#end
  }
  if (inside) {
    let out = (rowTile * 64u + down * 8u) * dims.panel4 + latentTile * 16u + across;
    //#for r in 0..8
    scores[out + {{r}}u * dims.panel4] = acc{{r}};
    //#end
  }
}
