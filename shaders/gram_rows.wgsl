// Products of all pairs of rows of a matrix, W W', into a texture: vec4 i of row j is texel (i, j).
// They are the same either way round, so only tiles on and above the diagonal are computed, and
// each is written twice, as it is and turned. A subgroup holds a tile of ROWS rows x LANES * 4
// columns: lane i holds four columns and 1/LANES of the rows, which are broadcast. Rows come in
// whole tiles: the buffers are padded with zero rows. Where W is split over buffers, a pair of them
// is one dispatch or more. Tiles on the diagonal write some places twice, with the same bits:
// products commute and are summed in one order.
struct Dims {
  d4: u32,         // vec4s of a row of W
  firstRow: u32,   // of the buffer of the tile's rows
  rows: u32,       // of this dispatch
  firstCol: u32,   // of the buffer of the tile's columns
  begin: u32,      // first column of this dispatch in that buffer
  cols: u32,       // columns of that buffer
  tiles: u32,      // tiles along the columns
  groups: u32,     // tiles in all
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var a: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var b: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var gram: texture_storage_2d<rgba32float, write>;

//#use texels

@compute @workgroup_size({{LANES}})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let tile = wid.x + wid.y * nwg.x;
  if (tile >= dims.groups) { return; }
  let row = (tile / dims.tiles) * {{ROWS}}u;
  let firstCol = dims.begin + (tile % dims.tiles) * {{LANES * 4}}u;
  // All below the diagonal: another tile writes it.
  if (dims.firstCol + firstCol + {{LANES * 4}}u <= dims.firstRow + row) { return; }
  let col = firstCol + lane * 4u;
  let d4 = dims.d4;
  let bBase = col * d4;
  //#for i in 0..ROWS / LANES
  let aBase{{i}} = (row + {{i * LANES}}u + lane) * d4;
  //#end
  //#for r in 0..ROWS
  var acc{{r}} = vec4f(0.0);
  //#end
  for (var j = 0u; j < d4; j++) {
    //#for q in 0..4
    let w{{q}} = textureLoad(b, texelOf(bBase + {{q}}u * d4 + j));
    //#end
    //#for q in 0..4
    let k{{q}} = vec4f(w0[{{q}}], w1[{{q}}], w2[{{q}}], w3[{{q}}]);
    //#end
    //#for i in 0..ROWS / LANES
    let a{{i}} = textureLoad(a, texelOf(aBase{{i}} + j));
    //#end
    //#for r in 0..ROWS
    //#for q in 0..4
    let v{{r}}_{{q}} = subgroupBroadcast(a{{r / LANES}}[{{q}}], {{r % LANES}}u);
    acc{{r}} = fma(vec4f(v{{r}}_{{q}}), k{{q}}, acc{{r}});
    //#end
    //#end
  }
  if (col >= dims.cols) { return; }
  let x = (dims.firstCol + col) / 4u;
  //#for r in 0..ROWS
  if (row + {{r}}u < dims.rows) {
    textureStore(gram, vec2u(x, dims.firstRow + row + {{r}}u), acc{{r}});
  }
  //#end
  let turned = (dims.firstRow + row) / 4u;
  let y = dims.firstCol + col;
  //#for i in 0..ROWS / 4
  if (row + {{i * 4}}u < dims.rows) {
    //#for q in 0..4
    if (col + {{q}}u < dims.cols) {
      let column = vec4f(acc{{i * 4}}[{{q}}], acc{{i * 4 + 1}}[{{q}}],
                         acc{{i * 4 + 2}}[{{q}}], acc{{i * 4 + 3}}[{{q}}]);
      textureStore(gram, vec2u(turned + {{i}}u, y + {{q}}u), column);
    }
    //#end
  }
  //#end
}
