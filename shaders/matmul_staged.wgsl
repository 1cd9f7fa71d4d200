// The product of matmul for hardware adapters: both operands are staged in workgroup memory. A
// workgroup of 128 threads owns 64 rows x 64 columns, a thread 8 rows x 4 columns; 16 terms of sums
// at a time lie inner-major in the tiles. Threads 0..63 stage A, the others B, a 4 x 4 block each;
// a block whose memory runs along inner is turned on the way.
struct Dims {
  rows: u32,       // of this dispatch
  cols: u32,
  inner: u32,
  aFirst: u32,     // first vec4 of each operand
  aStride: u32,    // vec4s of a row
  bFirst: u32,
  bStride: u32,
  cFirst: u32,
  cStride: u32,
  tiles: u32,      // tiles along the columns
  groups: u32,     // tiles in all
  alpha: f32,
  beta: f32,
  scaleWord: u32,  // place in scalars of another factor of A; used by SCALED
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> scalars: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<vec4f>;
@group(0) @binding(3) var<storage, read> b: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> c: array<vec4f>;

var<workgroup> tileA: array<vec4f, 256>;
var<workgroup> tileB: array<vec4f, 256>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let tile = wid.x + wid.y * nwg.x;
  let inside = tile < dims.groups;
  let firstRow = (tile / dims.tiles) * 64u;
  let firstCol = (tile % dims.tiles) * 64u;
  let across = local % 16u;
  let down = local / 16u;
  let row = firstRow + down * 8u;
  let col4 = firstCol / 4u + across;
  let cols4 = (dims.cols + 3u) / 4u;
  //#if SCALED
  let alpha = dims.alpha * scalars[dims.scaleWord];
  //#else
  let alpha = dims.alpha;
  //#end

  //#for r in 0..8
  let at{{r}} = dims.cFirst + min(row + {{r}}u, dims.rows - 1u) * dims.cStride
    + min(col4, cols4 - 1u);
  //#if BETA
  var acc{{r}} = dims.beta * c[at{{r}}];
  //#else
  var acc{{r}} = vec4f(0.0);
  //#end
  //#end

  // What this thread stages: 4 steps of inner, 4 rows or columns of its operand.
  let half = local % 64u;
  let block = half / 4u;
  let quarter = half % 4u;
  let stagesA = local < 64u;
  //#if TRANS_A
  let aBase = dims.aFirst + min(firstRow / 4u + block, (dims.rows + 3u) / 4u - 1u);
  //#else
  //#for i in 0..4
  let aBase{{i}} = dims.aFirst
    + min(firstRow + block * 4u + {{i}}u, dims.rows - 1u) * dims.aStride;
  //#end
  //#end
  //#if TRANS_B
  //#for i in 0..4
  let bBase{{i}} = dims.bFirst
    + min(firstCol + block * 4u + {{i}}u, dims.cols - 1u) * dims.bStride;
  //#end
  //#else
  let bBase = dims.bFirst + min(firstCol / 4u + block, cols4 - 1u);
  //#end

  for (var j = 0u; j < dims.inner; j += 16u) {
    let k = j + quarter * 4u;
    //#for i in 0..4
    var v{{i}} = vec4f(0.0);
    //#end
    if (inside && stagesA) {
      //#if TRANS_A
      //#for i in 0..4
      if (k + {{i}}u < dims.inner) { v{{i}} = alpha * a[aBase + (k + {{i}}u) * dims.aStride]; }
      //#end
      //#else
      if (k < dims.inner) {
        //#for i in 0..4
        let w{{i}} = alpha * a[aBase{{i}} + k / 4u];
        //#end
        //#for i in 0..4
        v{{i}} = vec4f(w0[{{i}}], w1[{{i}}], w2[{{i}}], w3[{{i}}]);
        //#end
      }
      //#end
    } else if (inside) {
      //#if TRANS_B
      if (k < dims.inner) {
        //#for i in 0..4
        let w{{i}} = b[bBase{{i}} + k / 4u];
        //#end
        //#for i in 0..4
        v{{i}} = vec4f(w0[{{i}}], w1[{{i}}], w2[{{i}}], w3[{{i}}]);
        //#end
      }
      //#else
      //#for i in 0..4
      if (k + {{i}}u < dims.inner) { v{{i}} = b[bBase + (k + {{i}}u) * dims.bStride]; }
      //#end
      //#end
    }
    workgroupBarrier();
    //#for i in 0..4
    let place{{i}} = (quarter * 4u + {{i}}u) * 16u + block;
    if (stagesA) { tileA[place{{i}}] = v{{i}}; } else { tileB[place{{i}}] = v{{i}}; }
    //#end
    workgroupBarrier();
    //#for k in 0..16
    let p{{k}} = tileA[{{k * 16}}u + down * 2u];
    let q{{k}} = tileA[{{k * 16}}u + down * 2u + 1u];
    let u{{k}} = tileB[{{k * 16}}u + across];
    //#for r in 0..4
    acc{{r}} = fma(vec4f(p{{k}}[{{r}}]), u{{k}}, acc{{r}});
    acc{{r + 4}} = fma(vec4f(q{{k}}[{{r}}]), u{{k}}, acc{{r + 4}});
    //#end
    //#end
  }

  if (!inside || col4 >= cols4) { return; }
  //#if TRANS_B
  let within = vec4u(col4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(dims.cols);
  //#end
  //#for r in 0..8
  if (row + {{r}}u < dims.rows) {
    //#if TRANS_B
    c[at{{r}}] = select(vec4f(0.0), acc{{r}}, within);
    //#else
    c[at{{r}}] = acc{{r}};
    //#end
  }
  //#end
}
