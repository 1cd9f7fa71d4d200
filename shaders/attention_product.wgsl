// Products of causal attention for all heads and sequences of a strip, in registers, for adapters
// on the CPU. A strip is `queries` queries of each sequence, from position firstQuery on; its
// pattern [head, sequence, query, key] is padded to whole tiles of 64 and is zero above the
// diagonal and in its padding, except after SCORES, which leaves there what it likes.
//   SCORES: pattern[q, k] = dot(side[q], right[k])        tiles above the diagonal are left out
//   MIX:    side[q] = sum over keys of pattern[q, k] * right[k]
//   SPREAD: side[k] = sum over queries of pattern[q, k] * right[q], added to the sums of the strips
//           before for keys before firstQuery, so that strips do not change the bits
// A thread makes 8 rows x 4 columns. TEXELS: what is only read lies in textures, which drivers on
// CPUs read for all lanes at once.
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
//#if TEXELS
//#if SCORES
@group(0) @binding(1) var<storage, read_write> pattern: array<vec4f>;
@group(0) @binding(2) var side: texture_storage_2d<rgba32float, read>;
//#else
@group(0) @binding(1) var pattern: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read_write> side: array<vec4f>;
//#end
@group(0) @binding(3) var right: texture_storage_2d<rgba32float, read>;
//#use texels
fn rightAt(i: u32) -> vec4f { return textureLoad(right, texelOf(i)); }
//#if SCORES
fn sideAt(i: u32) -> vec4f { return textureLoad(side, texelOf(i)); }
//#else
fn patternAt(i: u32) -> vec4f { return textureLoad(pattern, texelOf(i)); }
//#end
//#else
@group(0) @binding(1) var<storage, read_write> pattern: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> side: array<vec4f>;
@group(0) @binding(3) var<storage, read> right: array<vec4f>;
fn rightAt(i: u32) -> vec4f { return right[i]; }
fn sideAt(i: u32) -> vec4f { return side[i]; }
fn patternAt(i: u32) -> vec4f { return pattern[i]; }
//#end

//#use linear_id

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  //#use strip_tile

  //#if SCORES
  if (row >= dims.queries || col4 * 4u > dims.firstQuery + row + 7u) { return; }
  //#for r in 0..8
  let a{{r}}At = left + (firstRow + min(row + {{r}}u, dims.queries - 1u)) * dims.sideStride;
  var acc{{r}} = vec4f(0.0);
  //#end
  //#for c in 0..4
  let b{{c}}At = other + (start + min(col4 * 4u + {{c}}u, keys - 1u)) * dims.rightStride;
  //#end
  for (var j = 0u; j < dims.width4; j++) {
    //#for c in 0..4
    let w{{c}} = rightAt(b{{c}}At + j);
    //#end
    //#for c in 0..4
    let k{{c}} = vec4f(w0[{{c}}], w1[{{c}}], w2[{{c}}], w3[{{c}}]);
    //#end
    //#for r in 0..8
    let a{{r}} = sideAt(a{{r}}At + j);
    //#for c in 0..4
    acc{{r}} = fma(vec4f(a{{r}}[{{c}}]), k{{c}}, acc{{r}});
    //#end
    //#end
  }
  //#for r in 0..8
  pattern[own + (row + {{r}}u) * keyPad4 + col4] = acc{{r}};
  //#end
  //#end
  //#if MIX
  if (row >= dims.queries) { return; }
  //#for r in 0..8
  var acc{{r}} = vec4f(0.0);
  let a{{r}}At = own + (row + {{r}}u) * keyPad4;
  //#end
  let stop = min(keys, dims.firstQuery + row + 8u);
  for (var k = 0u; k < stop; k += 4u) {
    //#for c in 0..4
    let k{{c}} = rightAt(other + (start + min(k + {{c}}u, keys - 1u)) * dims.rightStride + col4);
    //#end
    //#for r in 0..8
    let a{{r}} = patternAt(a{{r}}At + k / 4u);
    //#for c in 0..4
    acc{{r}} = fma(vec4f(a{{r}}[{{c}}]), k{{c}}, acc{{r}});
    //#end
    //#end
  }
  //#for r in 0..8
  if (row + {{r}}u < dims.queries) {
    side[left + (firstRow + row + {{r}}u) * dims.sideStride + col4] = acc{{r}};
  }
  //#end
  //#end
  //#if SPREAD
  if (row >= keys) { return; }
  //#for r in 0..8
  let at{{r}} = left + (start + min(row + {{r}}u, keys - 1u)) * dims.sideStride + col4;
  var acc{{r}} = vec4f(0.0);
  //#end
  var begin = 0u;
  if (row < dims.firstQuery) {
    //#for r in 0..8
    acc{{r}} = side[at{{r}}];
    //#end
  } else {
    begin = (row - dims.firstQuery) / 4u * 4u;
  }
  for (var q = begin; q < dims.queries; q += 4u) {
    //#for c in 0..4
    let k{{c}} = rightAt(other +
      (firstRow + min(q + {{c}}u, dims.queries - 1u)) * dims.rightStride + col4);
    //#for h in 0..2
    let a{{c}}_{{h}} = patternAt(own + (q + {{c}}u) * keyPad4 + row / 4u + {{h}}u);
    //#end
    //#end
    //#for c in 0..4
    //#for r in 0..8
    acc{{r}} = fma(vec4f(a{{c}}_{{r / 4}}[{{r % 4}}]), k{{c}}, acc{{r}});
    //#end
    //#end
  }
  //#for r in 0..8
  if (row + {{r}}u < keys) { side[at{{r}}] = acc{{r}}; }
  //#end
  //#end
}
