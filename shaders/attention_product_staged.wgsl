// The products of attention_product for hardware adapters: both operands are staged in workgroup
// memory, so that a value from memory is used 64 times. A workgroup of 128 threads makes a tile of
// 64 x 64, a thread 8 rows x 4 columns; 16 terms of the sums at a time lie term by term in the
// tiles. Threads 0..63 stage the left operand, the others the right one, a 4 x 4 block each, which
// is turned where the operand has its terms in a row.
struct Dims {
  heads: u32,
  sequences: u32,
  length: u32,     // rows of a sequence
  firstSequence: u32,
  firstQuery: u32, // a multiple of 64
  queries: u32,
  width4: u32,     // SCORES: vec4s of a sum; else vec4s of a row of side
  sideFirst: u32,  // first vec4, vec4s of a row, vec4s from a head to the next
  sideStride: u32,
  sideHead: u32,
  rightFirst: u32,
  rightStride: u32,
  rightHead: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> pattern: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> side: array<vec4f>;
@group(0) @binding(3) var<storage, read> right: array<vec4f>;

var<workgroup> tileLeft: array<vec4f, 256>;
var<workgroup> tileRight: array<vec4f, 256>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = wid.x + wid.y * nwg.x;
  //#use strip_tile

  // What this thread stages: rows or columns 4 * spot .., terms 4 * term .. of the stage.
  let spot = local % 64u / 4u;
  let term = local % 4u;
  let stagesLeft = local < 64u;
  let x = local % 16u;
  let y = local / 16u * 8u;
  //#for r in 0..8
  var acc{{r}} = vec4f(0.0);
  //#end

  var begin = 0u;
  //#if SCORES
  if (col4 * 4u > dims.firstQuery + row + 63u) { return; }
  let stop = dims.width4 * 4u;
  //#end
  //#if MIX
  let stop = min(keys, dims.firstQuery + row + 64u);
  //#end
  //#if SPREAD
  //#for r in 0..8
  let at{{r}} = left + (start + min(row + y + {{r}}u, keys - 1u)) * dims.sideStride +
    min(col4 + x, dims.width4 - 1u);
  //#end
  if (row < dims.firstQuery) {
    //#for r in 0..8
    acc{{r}} = side[at{{r}}];
    //#end
  } else {
    begin = row - dims.firstQuery;
  }
  let stop = dims.queries;
  //#end

  for (var k = begin; k < stop; k += 16u) {
    //#for i in 0..4
    var v{{i}} = vec4f(0.0);
    //#end
    let at4 = k / 4u + term;
    let term4 = k + term * 4u;
    if (stagesLeft) {
      //#for i in 0..4
      //#if SCORES
      let query{{i}} = min(row + spot * 4u + {{i}}u, dims.queries - 1u);
      if (at4 < dims.width4) {
        v{{i}} = side[left + (firstRow + query{{i}}) * dims.sideStride + at4];
      }
      //#end
      //#if MIX
      v{{i}} = pattern[own + (row + spot * 4u + {{i}}u) * keyPad4 + at4];
      //#end
      //#if SPREAD
      v{{i}} = pattern[own + (term4 + {{i}}u) * keyPad4 + row / 4u + spot];
      //#end
      //#end
    } else {
      //#for i in 0..4
      //#if SCORES
      let key{{i}} = start + min((col4 + spot) * 4u + {{i}}u, keys - 1u);
      if (at4 < dims.width4) { v{{i}} = right[other + key{{i}} * dims.rightStride + at4]; }
      //#else
      //#if MIX
      let row{{i}} = start + min(term4 + {{i}}u, keys - 1u);
      //#else
      let row{{i}} = firstRow + min(term4 + {{i}}u, dims.queries - 1u);
      //#end
      if (col4 + spot < dims.width4) {
        v{{i}} = right[other + row{{i}} * dims.rightStride + col4 + spot];
      }
      //#end
      //#end
    }
    workgroupBarrier();
    //#for i in 0..4
    let place{{i}} = (term * 4u + {{i}}u) * 16u + spot;
    let turned{{i}} = vec4f(v0[{{i}}], v1[{{i}}], v2[{{i}}], v3[{{i}}]);
    if (stagesLeft) {
      //#if SPREAD
      tileLeft[place{{i}}] = v{{i}};
      //#else
      tileLeft[place{{i}}] = turned{{i}};
      //#end
    } else {
      //#if SCORES
      tileRight[place{{i}}] = turned{{i}};
      //#else
      tileRight[place{{i}}] = v{{i}};
      //#end
    }
    //#end
    workgroupBarrier();
    //#for k in 0..16
    let p{{k}} = tileLeft[{{k * 16}}u + y / 4u];
    let q{{k}} = tileLeft[{{k * 16}}u + y / 4u + 1u];
    let u{{k}} = tileRight[{{k * 16}}u + x];
    //#for r in 0..4
    acc{{r}} = fma(vec4f(p{{k}}[{{r}}]), u{{k}}, acc{{r}});
    acc{{r + 4}} = fma(vec4f(q{{k}}[{{r}}]), u{{k}}, acc{{r + 4}});
    //#end
    //#end
  }

  //#for r in 0..8
  //#if SCORES
  pattern[own + (row + y + {{r}}u) * keyPad4 + col4 + x] = acc{{r}};
  //#end
  //#if MIX
  if (row + y + {{r}}u < dims.queries && col4 + x < dims.width4) {
    side[left + (firstRow + row + y + {{r}}u) * dims.sideStride + col4 + x] = acc{{r}};
  }
  //#end
  //#if SPREAD
  if (row + y + {{r}}u < keys && col4 + x < dims.width4) { side[at{{r}}] = acc{{r}}; }
  //#end
  //#end
}
