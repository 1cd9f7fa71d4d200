// C = alpha * op(A) op(B) + beta * C in registers, for adapters on the CPU. A is [rows, inner], or
// [inner, rows] with TRANS_A; B is [inner, cols], or [cols, inner] with TRANS_B. Every element
// starts at beta * C and takes its products in order of inner, with alpha already in A: a product
// that is split along inner therefore has the same bits.
//   SUBGROUPS: ROWS rows x LANES * 4 columns a subgroup, values of A are broadcast between lanes.
//   otherwise: a thread computes ROWS rows x 4 columns by itself. TEXELS: textures hold a and b.
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
//#if TEXELS
@group(0) @binding(2) var a: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var b: texture_storage_2d<rgba32float, read>;
//#use texels
fn aAt(i: u32) -> vec4f { return textureLoad(a, texelOf(i)); }
fn bAt(i: u32) -> vec4f { return textureLoad(b, texelOf(i)); }
//#else
@group(0) @binding(2) var<storage, read> a: array<vec4f>;
@group(0) @binding(3) var<storage, read> b: array<vec4f>;
fn aAt(i: u32) -> vec4f { return a[i]; }
fn bAt(i: u32) -> vec4f { return b[i]; }
//#end
@group(0) @binding(4) var<storage, read_write> c: array<vec4f>;

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
  let row = (tile / dims.tiles) * {{ROWS}}u;
  let col4 = (tile % dims.tiles) * {{LANES}}u + lane;
  let own = lane * {{SUBGROUPS}}u;
  let cols4 = (dims.cols + 3u) / 4u;
  let inside4 = min(col4, cols4 - 1u);
  //#if SCALED
  let alpha = dims.alpha * scalars[dims.scaleWord];
  //#else
  let alpha = dims.alpha;
  //#end

  //#for r in 0..ROWS
  let at{{r}} = dims.cFirst + min(row + {{r}}u, dims.rows - 1u) * dims.cStride + inside4;
  //#if BETA
  var acc{{r}} = dims.beta * c[at{{r}}];
  //#else
  var acc{{r}} = vec4f(0.0);
  //#end
  //#end

  //#if TRANS_A
  let rows4 = (dims.rows + 3u) / 4u;
  //#for i in 0..LOADS
  let aBase{{i}} = dims.aFirst + min(row / 4u + {{i * STEP}}u + own, rows4 - 1u);
  //#end
  for (var k = 0u; k < dims.inner; k += 4u) {
    //#for q in 0..4
    let step{{q}} = min(k + {{q}}u, dims.inner - 1u);
    let alpha{{q}} = select(0.0, alpha, k + {{q}}u < dims.inner);
    let k{{q}} = bAt(dims.bFirst + step{{q}} * dims.bStride + inside4);
    //#for i in 0..LOADS
    let a{{i}}_{{q}} = alpha{{q}} * aAt(aBase{{i}} + step{{q}} * dims.aStride);
    //#end
    //#end
    //#for q in 0..4
    //#for r in 0..ROWS
    //#if SUBGROUPS
    let v{{r}}_{{q}} = subgroupBroadcast(a{{r / 4 / LANES}}_{{q}}[{{r % 4}}], {{r / 4 % LANES}}u);
    acc{{r}} = fma(vec4f(v{{r}}_{{q}}), k{{q}}, acc{{r}});
    //#else
    acc{{r}} = fma(vec4f(a{{r / 4}}_{{q}}[{{r % 4}}]), k{{q}}, acc{{r}});
    //#end
    //#end
    //#end
  }
  //#else
  //#for i in 0..LOADS
  let aRow{{i}} = min(row + {{i * STEP}}u + own, dims.rows - 1u);
  let aBase{{i}} = dims.aFirst + aRow{{i}} * dims.aStride;
  //#end
  //#if TRANS_B
  //#for q in 0..4
  let bBase{{q}} = dims.bFirst + min(col4 * 4u + {{q}}u, dims.cols - 1u) * dims.bStride;
  //#end
  //#end
  let inner4 = (dims.inner + 3u) / 4u;
  for (var j = 0u; j < inner4; j++) {
    //#if TRANS_B
    //#for q in 0..4
    let w{{q}} = bAt(bBase{{q}} + j);
    //#end
    //#for q in 0..4
    let k{{q}} = vec4f(w0[{{q}}], w1[{{q}}], w2[{{q}}], w3[{{q}}]);
    //#end
    //#else
    //#for q in 0..4
    let bRow{{q}} = min(j * 4u + {{q}}u, dims.inner - 1u);
    let k{{q}} = bAt(dims.bFirst + bRow{{q}} * dims.bStride + inside4);
    //#end
    //#end
    //#for i in 0..LOADS
    let a{{i}} = alpha * aAt(aBase{{i}} + j);
    //#end
    //#for r in 0..ROWS
    //#for q in 0..4
    //#if SUBGROUPS
    let v{{r}}_{{q}} = subgroupBroadcast(a{{r / LANES}}[{{q}}], {{r % LANES}}u);
    acc{{r}} = fma(vec4f(v{{r}}_{{q}}), k{{q}}, acc{{r}});
    //#else
    acc{{r}} = fma(vec4f(a{{r}}[{{q}}]), k{{q}}, acc{{r}});
    //#end
    //#end
    //#end
  }
  //#end

  if (col4 >= cols4) { return; }
  //#if TRANS_B
  let within = vec4u(col4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(dims.cols);
  //#end
  //#for r in 0..ROWS
  if (row + {{r}}u < dims.rows) {
    //#if TRANS_B
    c[at{{r}}] = select(vec4f(0.0), acc{{r}}, within);
    //#else
    c[at{{r}}] = acc{{r}};
    //#end
  }
  //#end
}
